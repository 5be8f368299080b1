import { QueryClient } from "@tanstack/react-query";
import { fireEvent, screen, within } from "@testing-library/react";
import { useState } from "react";
import { expect, test } from "vitest";

import { agentQuery, agentsQuery, type Agent } from "../../lib/queries/agents";
import { snapshotQuery, type SnapshotDetail } from "../../lib/queries/snapshots";
import { ORG, renderApp } from "../../testing/render-app";
import { bodyOf, newDraft, ofSnapshot, type RestoreDraft } from "./restore-draft";
import { StepTarget } from "./step-target";

function agent(id: string, name: string, rest: Partial<Agent> = {}): Agent {
  const made: Partial<Agent> = { id, name, os: "linux", state: "active", connected: true, ...rest };
  return made as Agent;
}

const LOST = agent("lost", "old mail");
const NEW = agent("new", "new mail");
const GONE = agent("gone", "gone mail", { state: "revoked" });
const snapshot: Partial<SnapshotDetail> = { id: "s", agent_id: LOST.id, agent_name: LOST.name };

/** Shows the step to somebody of this role; gives back what its draft would send. */
async function show({ role, source = LOST }: { role?: "operator"; source?: Agent } = {}) {
  const client = new QueryClient({ defaultOptions: { queries: { staleTime: Infinity } } });
  for (const each of [source, NEW, GONE]) client.setQueryData(agentQuery(ORG, each.id).queryKey, each);
  client.setQueryData(snapshotQuery(ORG, "s").queryKey, snapshot as SnapshotDetail);
  client.setQueryData(agentsQuery(ORG, { q: "", sort: "name" }).queryKey, {
    pages: [{ items: [source, NEW, GONE] }],
    pageParams: [undefined],
  });
  let draft: RestoreDraft = newDraft();
  function Step() {
    const [state, setState] = useState(() => ({
      ...newDraft(),
      ...ofSnapshot(snapshot as SnapshotDetail),
      target: "/back",
    }));
    draft = state;
    return (
      <StepTarget
        draft={state}
        set={(part) => setState((before) => ({ ...before, ...part }))}
        refusal={null}
      />
    );
  }
  await renderApp(() => <Step />, client, role);
  return () => bodyOf(draft);
}

const machine = () => screen.getByRole<HTMLInputElement>("combobox", { name: "Machine that restores" });

async function take(name: string) {
  fireEvent.click(machine());
  fireEvent.click(await screen.findByRole("option", { name }));
}

test("another machine restores only after an administrator has allowed it to read", async () => {
  const body = await show();
  expect(machine().value).toBe("old mail");
  expect(screen.queryByRole("note")).toBeNull();
  await take("new mail");
  const asked = within(await screen.findByRole("note"));
  expect(asked.getByText(/new mail can read everything in the restic repository of old mail/)).toBeDefined();
  const box = asked.getByRole<HTMLInputElement>("checkbox");
  expect(box.checked).toBe(false);
  expect(body()).toMatchObject({ agent_id: "new" });
  expect(body()).not.toHaveProperty("from_other_agent");
  fireEvent.click(box);
  expect(body()).toMatchObject({ agent_id: "new", from_other_agent: true });
  expect(screen.getByLabelText("Folder on new mail")).toBeDefined();
});

test("back at the snapshot's own machine nothing is asked and nothing said", async () => {
  const body = await show();
  await take("new mail");
  fireEvent.click(within(await screen.findByRole("note")).getByRole("checkbox"));
  await take("old mail");
  expect(screen.queryByRole("note")).toBeNull();
  expect(body()).not.toHaveProperty("from_other_agent");
  await take("new mail");
  expect(within(await screen.findByRole("note")).getByRole<HTMLInputElement>("checkbox").checked).toBe(false);
});

test("a revoked machine is not offered", async () => {
  await show();
  fireEvent.click(machine());
  const offered = await screen.findAllByRole("option");
  expect(offered.map((option) => option.textContent)).toEqual(["old mail", "new mail"]);
});

test("who is no administrator sees why there is no choice", async () => {
  await show({ role: "operator" });
  expect(machine().disabled).toBe(true);
  expect(screen.getByText(/Only an administrator/)).toBeDefined();
});

test("a machine that was lost is said to be, and another one takes its place", async () => {
  await show({ source: { ...LOST, state: "revoked" } });
  expect(screen.getByRole("note").textContent).toContain("old mail is revoked");
  await take("new mail");
  expect(screen.getByRole("note").textContent).toContain("new mail can read everything");
});
