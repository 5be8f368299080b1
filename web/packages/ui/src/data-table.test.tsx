import { fireEvent, screen } from "@testing-library/react";
import { expect, test, vi } from "vitest";

import { DataTable } from "./data-table";
import { renderUi } from "./testing";

interface Row {
  id: string;
  state: string;
}

const row = (id: string, state = "new"): Row => ({ id, state });

function table(rows: Row[], open?: (row: Row) => void, of?: string) {
  return (
    <DataTable
      label="Rows"
      columns={[
        { id: "id", header: "Id", cell: (each: Row) => <a href={`#${each.id}`}>{each.id}</a> },
        { id: "state", header: "State", cell: (each: Row) => each.state },
      ]}
      rows={rows}
      rowKey={(each) => each.id}
      open={open}
      of={of}
    />
  );
}

const shown = () => screen.getAllByRole("link").map((link) => link.textContent);

test("arrow keys go to the same control of the next row", () => {
  renderUi(table([row("a"), row("b")]));
  const first = screen.getByRole("link", { name: "a" });
  first.focus();
  fireEvent.keyDown(first, { key: "ArrowDown" });
  expect(document.activeElement).toBe(screen.getByRole("link", { name: "b" }));
});

test("a click on a row opens it, a click on its link is the link's", () => {
  const open = vi.fn();
  renderUi(table([row("a", "cell")], open));
  fireEvent.click(screen.getByText("cell"));
  expect(open).toHaveBeenCalledOnce();
  fireEvent.click(screen.getByRole("link", { name: "a" }));
  expect(open).toHaveBeenCalledOnce();
});

test("nothing moves under the pointer, and all is in place when it has left", () => {
  const { rerender } = renderUi(table([row("b"), row("c")]));
  const body = screen.getAllByRole("rowgroup")[1];
  if (body === undefined) expect.fail("no body");
  fireEvent.pointerEnter(body);
  rerender(table([row("a"), row("b", "done"), row("c")]));
  expect(shown()).toEqual(["b", "c"]);
  expect(screen.getByText("done")).toBeDefined();
  fireEvent.pointerLeave(body);
  expect(shown()).toEqual(["a", "b", "c"]);
});

test("another filter shows its rows at once, wherever the pointer is", () => {
  const { rerender } = renderUi(table([row("a"), row("b")], undefined, "all"));
  const body = screen.getAllByRole("rowgroup")[1];
  if (body === undefined) expect.fail("no body");
  fireEvent.pointerEnter(body);
  rerender(table([row("b")], undefined, "only b"));
  expect(shown()).toEqual(["b"]);
});
