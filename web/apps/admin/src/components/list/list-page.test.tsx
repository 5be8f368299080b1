import { IconTrash } from "@tabler/icons-react";
import { fireEvent, screen, waitFor, within } from "@testing-library/react";
import { useState } from "react";
import { expect, test, vi } from "vitest";

import { ApiProblem, type ProblemBody } from "../../lib/problem";
import { pagedQuery, type Ask } from "../../lib/queries/pages";
import { ORG, renderApp, USER } from "../../testing/render-app";
import { textOf } from "../../testing/text-of";
import type { BulkAct } from "./bulk-acts";
import type { ListColumn } from "./list-columns";
import { ListPage } from "./list-page";

interface Row {
  id: string;
  size: number;
}
interface Filter {
  q?: string | undefined;
  sort?: string | undefined;
}

const ROWS = ["a", "b", "=c"].map((id, index) => ({ id, size: index }));
const COLUMNS: ListColumn<Row>[] = [
  { id: "name", header: "Name", sorts: ["name", "-name"], cell: (row) => row.id, csv: (row) => row.id },
  { id: "size", header: "Size", numeric: true, cell: (row) => row.size, csv: (row) => row.size },
  { id: "more", header: "More", atFirst: false, cell: () => "more", csv: () => "more" },
];
const refusal = new ApiProblem(409, { detail: "It is held.", hint: "Let it go.", code: "x" } as ProblemBody);
const ask: Ask<Row> = ({ cursor }) =>
  Promise.resolve(
    cursor === undefined ? { items: ROWS.slice(0, 2), next_cursor: "2" } : { items: ROWS.slice(2) },
  );

async function show(acts: BulkAct<Row>[] = []) {
  const went = vi.fn();
  function Page() {
    const [filter, setFilter] = useState<Filter>({});
    return (
      <ListPage<Row, Filter>
        name="things"
        title="Things"
        about="All of them"
        facets={null}
        filter={filter}
        goTo={(next) => {
          went(next);
          setFilter(next);
        }}
        list={pagedQuery(["things"], ({ signal }) =>
          ask({ cursor: undefined, signal }).then(() => ({ items: ROWS })),
        )}
        ask={ask}
        columns={COLUMNS}
        ownSort="name"
        nameOf={(row) => row.id}
        open={() => undefined}
        acts={acts}
        empty={null}
      />
    );
  }
  await renderApp(() => <Page />);
  await screen.findByRole("table");
  return went;
}

const headers = () => screen.getAllByRole("columnheader").map((header) => header.textContent);
const click = (name: string) => fireEvent.click(screen.getByRole("button", { name }));

test("an order goes into the address", async () => {
  const went = await show();
  expect(screen.getByRole("columnheader", { name: "Name" }).getAttribute("aria-sort")).toBe("ascending");
  click("Name");
  expect(went).toHaveBeenLastCalledWith({ sort: "-name" });
  expect(screen.getByRole("columnheader", { name: "Name" }).getAttribute("aria-sort")).toBe("descending");
});

test("columns are chosen, kept for the person, and put back", async () => {
  await show();
  expect(headers()).toEqual(["Name", "Size"]);
  click("Columns");
  fireEvent.click(await screen.findByRole("checkbox", { name: "More" }));
  fireEvent.click(screen.getByRole("checkbox", { name: "Size" }));
  expect(headers()).toEqual(["Name", "More"]);
  expect(localStorage.getItem(`sbs.columns.${USER}.things`)).toBe('["name","more"]');
  click("Default columns");
  expect(headers()).toEqual(["Name", "Size"]);
});

test("a view keeps filter, order and columns under a name, and is taken away", async () => {
  const went = await show();
  click("Name");
  click("Columns");
  fireEvent.click(await screen.findByRole("checkbox", { name: "Size" }));
  click("Views");
  const name = await screen.findByLabelText("Save as");
  fireEvent.change(name, { target: { value: " backwards " } });
  click("Save");
  expect(screen.getByRole("button", { name: "backwards" }).getAttribute("aria-current")).toBe("true");
  expect(screen.getByText(/kept in this browser/)).toBeDefined();
  expect(localStorage.getItem(`sbs.views.${USER}.${ORG}.things`)).toContain("backwards");
  click("Name"); // back to the list's own order
  fireEvent.click(screen.getByRole("button", { name: "backwards" }));
  expect(went).toHaveBeenLastCalledWith({ sort: "-name" });
  expect(headers()).toEqual(["Name"]);
  click("Views");
  fireEvent.click(await screen.findByRole("button", { name: "Remove the view backwards" }));
  expect(screen.queryByRole("button", { name: "backwards" })).toBeNull();
});

test("all pages are exported, in the columns that are shown, and no cell is a formula", async () => {
  const files: Blob[] = [];
  vi.stubGlobal("URL", { createObjectURL: (file: Blob) => files.push(file), revokeObjectURL: vi.fn() });
  const links = vi.spyOn(HTMLAnchorElement.prototype, "click").mockImplementation(() => undefined);
  await show();
  click("Export CSV");
  expect(await screen.findByText("3 rows are in the file")).toBeDefined();
  expect(links).toHaveBeenCalledOnce();
  const text = await textOf(files[0] ?? new Blob());
  expect(text).toBe("\uFEFFName,Size,Id\r\na,0,a\r\nb,1,b\r\n'=c,2,'=c\r\n");
  vi.unstubAllGlobals();
  links.mockRestore();
});

const bulk = (act: (row: Row) => Promise<unknown>, question?: BulkAct<Row>["question"]): BulkAct<Row> => ({
  id: "hold",
  label: "Hold",
  Icon: IconTrash,
  fits: (row) => row.id !== "=c",
  act,
  ...(question === undefined ? {} : { question }),
});

test("an act on several says what was refused and why, and only that stays chosen", async () => {
  await show([bulk((row) => (row.id === "b" ? Promise.reject(refusal) : Promise.resolve()))]);
  fireEvent.click(screen.getByRole("checkbox", { name: "Choose all that are shown" }));
  expect(screen.getByRole("region", { name: "Chosen rows" }).textContent).toContain("3 chosen");
  click("Hold: 2");
  const dialog = await screen.findByRole("dialog", { name: "Hold: done 1, refused 1" });
  expect(within(dialog).getByRole("listitem").textContent).toBe("bIt is held. Let it go.");
  expect(screen.getByRole<HTMLInputElement>("checkbox", { name: "Choose b" }).checked).toBe(true);
  expect(screen.getByRole<HTMLInputElement>("checkbox", { name: "Choose a" }).checked).toBe(false);
});

test("an act by which something is lost asks first, with the names and the number to be typed", async () => {
  const act = vi.fn(() => Promise.resolve());
  await show([bulk(act, { title: "Hold them", text: "They stand still.", typed: true })]);
  for (const name of ["a", "b"]) fireEvent.click(screen.getByRole("checkbox", { name: `Choose ${name}` }));
  click("Hold");
  const dialog = await screen.findByRole("dialog", { name: "Hold them" });
  expect(dialog.textContent).toContain("a, b");
  const go = within(dialog).getByRole<HTMLButtonElement>("button", { name: "Hold" });
  expect(go.disabled).toBe(true);
  expect(act).not.toHaveBeenCalled();
  fireEvent.change(within(dialog).getByRole("textbox"), { target: { value: "2" } });
  fireEvent.click(go);
  await waitFor(() => expect(act).toHaveBeenCalledTimes(2));
  expect(await screen.findByText("Hold: 2")).toBeDefined();
  expect(screen.queryByRole("region", { name: "Chosen rows" })).toBeNull();
});

test("what is chosen is chosen no more under another order or filter", async () => {
  await show([bulk(() => Promise.resolve())]);
  fireEvent.click(screen.getByRole("checkbox", { name: "Choose a" }));
  click("Name");
  expect(screen.queryByRole("region", { name: "Chosen rows" })).toBeNull();
});
