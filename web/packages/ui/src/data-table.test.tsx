import { fireEvent, screen } from "@testing-library/react";
import { expect, test, vi } from "vitest";

import { DataTable, type Selection, type Sorting } from "./data-table";
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

function sortable(sort: Sorting, selection?: Selection<Row>) {
  return (
    <DataTable
      label="Rows"
      columns={[
        { id: "id", header: "Id", sorts: ["id", "-id"], cell: (each: Row) => each.id },
        { id: "state", header: "State", cell: (each: Row) => each.state },
      ]}
      rows={[row("a"), row("b")]}
      rowKey={(each) => each.id}
      sort={sort}
      selection={selection}
    />
  );
}

test("a click on a header asks for its orders in turn, then for the list's own", () => {
  const change = vi.fn();
  const { rerender } = renderUi(sortable({ by: undefined, change }));
  for (const by of ["id", "-id", undefined]) {
    fireEvent.click(screen.getByRole("button", { name: "Id" }));
    expect(change).toHaveBeenLastCalledWith(by);
    rerender(sortable({ by, change }));
  }
});

test("a column says in which order the rows are, and one that can't be sorted by is no button", () => {
  renderUi(sortable({ by: "-id", change: vi.fn() }));
  expect(screen.getByRole("columnheader", { name: "Id" }).getAttribute("aria-sort")).toBe("descending");
  expect(screen.getByRole("columnheader", { name: "State" }).hasAttribute("aria-sort")).toBe(false);
  expect(screen.queryByRole("button", { name: "State" })).toBeNull();
});

test("rows are chosen one by one and all at once, and a box opens no row", () => {
  const choose = vi.fn();
  const sort = { by: undefined, change: vi.fn() };
  const selection = (...keys: string[]) => ({
    chosen: new Set(keys),
    choose,
    nameOf: (each: Row) => each.id,
  });
  const { rerender } = renderUi(sortable(sort, selection()));
  fireEvent.click(screen.getByRole("checkbox", { name: "Choose b" }));
  expect(choose).toHaveBeenLastCalledWith(new Set(["b"]));
  rerender(sortable(sort, selection("b")));
  const all = screen.getByRole<HTMLInputElement>("checkbox", { name: "Choose all that are shown" });
  expect(all.indeterminate).toBe(true);
  fireEvent.click(all);
  expect(choose).toHaveBeenLastCalledWith(new Set(["a", "b"]));
  rerender(sortable(sort, selection("a", "b")));
  fireEvent.click(all);
  expect(choose).toHaveBeenLastCalledWith(new Set());
});

test("the arrow keys go from box to box", () => {
  const selection = { chosen: new Set<string>(), choose: vi.fn(), nameOf: (each: Row) => each.id };
  renderUi(sortable({ by: undefined, change: vi.fn() }, selection));
  const first = screen.getByRole("checkbox", { name: "Choose a" });
  first.focus();
  fireEvent.keyDown(first, { key: "ArrowDown" });
  expect(document.activeElement).toBe(screen.getByRole("checkbox", { name: "Choose b" }));
});
