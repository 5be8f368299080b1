import { fireEvent, screen } from "@testing-library/react";
import { IconTrash } from "@tabler/icons-react";
import { useState } from "react";
import { vi } from "vitest";

import type { BulkAct } from "../components/list/bulk-acts";
import type { ListColumn } from "../components/list/list-columns";
import { ListPage } from "../components/list/list-page";
import { ApiProblem, type ProblemBody } from "../lib/problem";
import { pagedQuery, type Ask } from "../lib/queries/pages";
import { renderApp } from "./render-app";

export interface Row {
  id: string;
  size: number;
}
export interface Filter {
  q?: string | undefined;
  sort?: string | undefined;
}

const WORDS = { title: "Things", about: "All of them" };
export const ROWS = ["a", "b", "=c"].map((id, index) => ({ id, size: index }));
const COLUMNS: ListColumn<Row>[] = [
  { id: "name", header: "Name", sorts: ["name", "-name"], cell: (row) => row.id, csv: (row) => row.id },
  { id: "size", header: "Size", numeric: true, cell: (row) => row.size, csv: (row) => row.size },
  { id: "more", header: "More", atFirst: false, cell: () => "more", csv: () => "more" },
];
export const refusal = new ApiProblem(409, {
  detail: "It is held.",
  hint: "Let it go.",
  code: "x",
} as ProblemBody);
const ask: Ask<Row> = ({ cursor }) =>
  Promise.resolve(
    cursor === undefined ? { items: ROWS.slice(0, 2), next_cursor: "2" } : { items: ROWS.slice(2) },
  );

/** A list of three things, in two pages; its file has what `file` gives. For tests only. */
export async function show(acts: BulkAct<Row>[] = [], file: (filter: Filter) => Ask<Row> = () => ask) {
  const went = vi.fn();
  function Page() {
    const [filter, setFilter] = useState<Filter>({});
    return (
      <ListPage<Row, Filter>
        name="things"
        title={WORDS.title}
        about={WORDS.about}
        facets={null}
        filter={filter}
        goTo={(next) => {
          went(next);
          setFilter(next);
        }}
        list={pagedQuery(["things"], ({ signal }) =>
          ask({ cursor: undefined, signal }).then(() => ({ items: ROWS })),
        )}
        ask={file}
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

export const click = (name: string) => fireEvent.click(screen.getByRole("button", { name }));

/** An act that does not fit the last of the rows. */
export const bulk = (
  act: (row: Row) => Promise<unknown>,
  question?: BulkAct<Row>["question"],
): BulkAct<Row> => ({
  id: "hold",
  label: "Hold",
  Icon: IconTrash,
  fits: (row) => row.id !== "=c",
  act,
  ...(question === undefined ? {} : { question }),
});
