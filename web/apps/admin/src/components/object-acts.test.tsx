import { fireEvent, screen, waitFor, within } from "@testing-library/react";
import { expect, test, vi } from "vitest";

import { ApiProblem, type ProblemBody } from "../lib/problem";
import { renderApp } from "../testing/render-app";
import { DangerousAct, RenameAct } from "./object-acts";

const refusal = new ApiProblem(409, { detail: "It is in use.", code: "x" } as ProblemBody);

async function dialog() {
  return within(await screen.findByRole("dialog"));
}

test("an object gets the name that was typed, without what surrounds it", async () => {
  const save = vi.fn(() => Promise.resolve());
  await renderApp(() => <RenameAct title="Rename it" name="old" save={save} />);
  fireEvent.click(screen.getByRole("button", { name: "Rename" }));
  const asked = await dialog();
  fireEvent.change(asked.getByLabelText("Name"), { target: { value: " new " } });
  fireEvent.click(asked.getByRole("button", { name: "Save" }));
  await waitFor(() => expect(save.mock.calls[0]?.at(0 as never)).toBe("new"));
  await waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
});

test("a refusal is said in the question, and gone when it is asked again", async () => {
  const act = vi.fn(() => Promise.reject(refusal));
  await renderApp(() => (
    <DangerousAct label="Delete" title="Delete it" name="it" act={act}>
      Gone for good.
    </DangerousAct>
  ));
  fireEvent.click(screen.getByRole("button", { name: "Delete" }));
  let asked = await dialog();
  expect(asked.getByText("Gone for good.")).toBeDefined();
  fireEvent.change(asked.getByRole("textbox"), { target: { value: "it" } });
  fireEvent.click(asked.getByRole("button", { name: "Delete" }));
  expect((await asked.findByRole("alert")).textContent).toContain("It is in use.");
  fireEvent.click(asked.getByRole("button", { name: "Cancel" }));
  await waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
  fireEvent.click(screen.getByRole("button", { name: "Delete" }));
  asked = await dialog();
  expect(asked.queryByRole("alert")).toBeNull();
});
