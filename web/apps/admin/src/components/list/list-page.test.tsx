import { notifications } from "@mantine/notifications";
import { fireEvent, screen } from "@testing-library/react";
import { afterEach, expect, test, vi } from "vitest";

import type { Ask } from "../../lib/queries/pages";
import { ORG, USER } from "../../testing/render-app";
import { click, ROWS, show, type Filter, type Row } from "../../testing/show-list";
import { textOf } from "../../testing/text-of";

afterEach(() => {
  vi.restoreAllMocks();
  notifications.clean();
});

const headers = () => screen.getAllByRole("columnheader").map((header) => header.textContent);

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

test("a view that the browser does not keep is there for now, and that is said", async () => {
  vi.spyOn(Storage.prototype, "setItem").mockImplementation(() => {
    throw new DOMException("full", "QuotaExceededError");
  });
  await show();
  click("Views");
  fireEvent.change(await screen.findByLabelText("Save as"), { target: { value: "full" } });
  click("Save");
  expect(screen.getByRole("button", { name: "full" })).toBeDefined();
  expect(screen.getByRole("alert").textContent).toContain("its storage is full or forbidden");
  vi.restoreAllMocks();
  click("Remove the view full"); // there is room again
  expect(screen.queryByRole("alert")).toBeNull();
});

test("a list is there where the browser's storage is forbidden", async () => {
  vi.spyOn(window, "localStorage", "get").mockImplementation(() => {
    throw new DOMException("forbidden", "SecurityError");
  });
  await show();
  expect(headers()).toEqual(["Name", "Size"]);
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

/** Pages of one row, sorted as asked for; each page that was read gives the row behind it the first place by name. */
function moving(): (filter: Filter) => Ask<Row> {
  const names = new Map(ROWS.map(({ id, size }) => [id, size]));
  const placeOf = (sort: string | undefined) => (row: Row) =>
    sort === "-created_at" ? -row.size : (names.get(row.id) ?? 0);
  return ({ sort }) =>
    ({ cursor }) => {
      const place = placeOf(sort);
      const sorted = [...ROWS].sort((one, other) => place(one) - place(other));
      const left = sorted.filter((row) => cursor === undefined || place(row) > Number(cursor));
      const [row] = left;
      if (row === undefined) return Promise.resolve({ items: [] });
      const next = left.length > 1 ? String(place(row)) : null;
      if (left[1] !== undefined) names.set(left[1].id, -9 - names.size);
      return Promise.resolve({ items: [row], next_cursor: next });
    };
}

test("no row is left out of the file that changes its place meanwhile, and the other order is said", async () => {
  const files: Blob[] = [];
  vi.stubGlobal("URL", { createObjectURL: (file: Blob) => files.push(file), revokeObjectURL: vi.fn() });
  vi.spyOn(HTMLAnchorElement.prototype, "click").mockImplementation(() => undefined);
  await show([], moving());
  click("Export CSV");
  expect(await screen.findByText("3 rows are in the file")).toBeDefined();
  expect(screen.getByText(/in the order of creation/)).toBeDefined();
  const ids = (await textOf(files[0] ?? new Blob())).trim().split("\r\n").slice(1);
  expect(ids.map((line) => line.split(",")[0])).toEqual(["'=c", "b", "a"]);
  vi.unstubAllGlobals();
});
