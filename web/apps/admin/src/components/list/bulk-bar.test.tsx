import { notifications } from "@mantine/notifications";
import { fireEvent, screen, waitFor, within } from "@testing-library/react";
import { afterEach, expect, test, vi } from "vitest";

import { bulk, click, refusal, show } from "../../testing/show-list";

afterEach(() => notifications.clean());

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

const chooseRow = (name: string) => fireEvent.click(screen.getByRole("checkbox", { name: `Choose ${name}` }));
const isChosen = (name: string) =>
  screen.getByRole<HTMLInputElement>("checkbox", { name: `Choose ${name}` }).checked;

test("of what was refused under another filter nobody says that it is still chosen", async () => {
  let refuse: (why: unknown) => void = () => undefined;
  await show([bulk(() => new Promise((_, reject) => (refuse = reject)))]);
  chooseRow("a");
  click("Hold");
  click("Name"); // another order: what was chosen is out of sight
  chooseRow("b");
  refuse(refusal);
  const dialog = await screen.findByRole("dialog", { name: "Hold: done 0, refused 1" });
  expect(within(dialog).getByRole("listitem").textContent).toContain("It is held.");
  expect(within(dialog).queryByText(/still chosen/)).toBeNull();
  expect([isChosen("a"), isChosen("b")]).toEqual([false, true]);
});

test("what was refused under the same filter is said to be still chosen", async () => {
  await show([bulk(() => Promise.reject(refusal))]);
  chooseRow("a");
  click("Hold");
  expect(await screen.findByText(/still chosen/)).toBeDefined();
  expect(isChosen("a")).toBe(true);
});

const all = () => screen.getByRole("checkbox", { name: "Choose all that are shown" });

test.each(["Hold", "Choose none"])("after %s, when the bar goes, the table has the focus", async (name) => {
  await show([bulk(() => Promise.resolve())]);
  chooseRow("a");
  screen.getByRole("button", { name }).focus();
  click(name);
  await waitFor(() => expect(document.activeElement).toBe(all()));
  expect(screen.queryByRole("region", { name: "Chosen rows" })).toBeNull();
});

test("after an act that asked first the table has the focus as well", async () => {
  await show([bulk(() => Promise.resolve(), { title: "Hold them", text: "They stand still." })]);
  chooseRow("a");
  click("Hold");
  const dialog = await screen.findByRole("dialog", { name: "Hold them" });
  const go = within(dialog).getByRole("button", { name: "Hold" });
  go.focus();
  fireEvent.click(go);
  await waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
  expect(document.activeElement).toBe(all());
});

test("who has gone on elsewhere while an act runs stays there", async () => {
  let done: (value?: unknown) => void = () => undefined;
  await show([bulk(() => new Promise((resolve) => (done = resolve)))]);
  chooseRow("a");
  click("Hold");
  const elsewhere = screen.getByRole("button", { name: "Export CSV" });
  elsewhere.focus();
  done();
  await waitFor(() => expect(screen.queryByRole("region", { name: "Chosen rows" })).toBeNull());
  expect(document.activeElement).toBe(elsewhere);
});
