import { fireEvent, screen } from "@testing-library/react";
import { expect, test, vi } from "vitest";

import { ConfirmDangerous } from "./confirm-dangerous";
import { renderUi } from "./testing";

function ask(confirm: () => void, name?: string) {
  renderUi(
    <ConfirmDangerous
      opened
      close={() => undefined}
      title="Delete"
      act="Delete it"
      confirm={confirm}
      name={name}
    >
      All of it is lost.
    </ConfirmDangerous>,
  );
}

const button = () => screen.getByRole<HTMLButtonElement>("button", { name: "Delete it" });

test("what can't be undone needs the name, letter for letter", () => {
  const confirm = vi.fn();
  ask(confirm, "main");
  const field = screen.getByRole("textbox");
  fireEvent.change(field, { target: { value: "Main" } });
  expect(button().disabled).toBe(true);
  fireEvent.submit(field);
  expect(confirm).not.toHaveBeenCalled();
  fireEvent.change(field, { target: { value: "main" } });
  fireEvent.submit(field);
  expect(confirm).toHaveBeenCalledOnce();
});

test("what can be undone is asked for once", () => {
  const confirm = vi.fn();
  ask(confirm);
  fireEvent.submit(button());
  expect(confirm).toHaveBeenCalledOnce();
});
