import { fireEvent, screen } from "@testing-library/react";
import { expect, test, vi } from "vitest";

import { renderApp } from "../testing/render-app";
import { DraftWizard } from "./draft-wizard";

async function show(active: number, discard: (() => void) | null = null) {
  const [go, submit] = [vi.fn(), vi.fn()];
  await renderApp(() => (
    <DraftWizard
      steps={["What", "Where", "Summary"]}
      active={active}
      go={go}
      submit={submit}
      discard={discard}
      lastAct="Make it"
      isBusy={false}
    >
      here
    </DraftWizard>
  ));
  return { go, submit };
}

test("the first step has nothing before it, and no draft to throw away", async () => {
  const { submit } = await show(0);
  expect(screen.queryByRole("button", { name: "Back" })).toBeNull();
  expect(screen.queryByRole("button", { name: "Discard the draft" })).toBeNull();
  fireEvent.click(screen.getByRole("button", { name: "Next" }));
  expect(submit).toHaveBeenCalledOnce();
});

test("steps that were done can be gone back to, and no other", async () => {
  const { go } = await show(1);
  fireEvent.click(screen.getByRole("button", { name: "Summary" }));
  fireEvent.click(screen.getByRole("button", { name: "Where" }));
  expect(go).not.toHaveBeenCalled();
  fireEvent.click(screen.getByRole("button", { name: "What" }));
  fireEvent.click(screen.getByRole("button", { name: "Back" }));
  expect(go.mock.calls).toEqual([[0], [0]]);
});

test("the last step says what it does, and a kept draft can be thrown away", async () => {
  const discard = vi.fn();
  await show(2, discard);
  expect(screen.getByRole("button", { name: "Make it" })).toBeDefined();
  fireEvent.click(screen.getByRole("button", { name: "Discard the draft" }));
  expect(discard).toHaveBeenCalledOnce();
});
