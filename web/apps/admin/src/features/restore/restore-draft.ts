import type { ConflictPolicy, RestoreCreate } from "../../lib/queries/restores";

/** The wizard's form. */
export interface RestoreDraft {
  step: number;
  snapshotId: string | null;
  /** The machine that the snapshot was taken from; it restores. */
  agentId: string | null;
  everything: boolean;
  paths: readonly string[];
  folder: string;
  target: string;
  /** Null until the person has decided: there is no good default. */
  policy: ConflictPolicy | null;
  verify: boolean;
}

export const STEPS = ["snapshot", "files", "target", "summary"] as const;

export function newDraft(): RestoreDraft {
  return {
    step: 0,
    snapshotId: null,
    agentId: null,
    everything: false,
    paths: [],
    folder: "/",
    target: "",
    policy: null,
    verify: true,
  };
}

/** With `path` in it, or without if it was; what lies in a chosen folder needs no mark of its own. */
export function toggled(paths: readonly string[], path: string): string[] {
  if (paths.includes(path)) return paths.filter((each) => each !== path);
  return [...paths.filter((each) => !each.startsWith(`${path}/`)), path];
}

/** Whether a step has what it needs; what the server would refuse it says by itself. */
export function isComplete(draft: RestoreDraft, step: number): boolean {
  switch (STEPS[step]) {
    case "snapshot":
      return draft.snapshotId !== null;
    case "files":
      return draft.everything || draft.paths.length > 0;
    case "target":
      return draft.target.trim() !== "" && draft.policy !== null;
    default:
      return true;
  }
}

/** What the API is sent. A missing policy is sent as it is: the server explains the choice. */
export function bodyOf(draft: RestoreDraft): RestoreCreate {
  return {
    snapshot_id: draft.snapshotId ?? "",
    agent_id: draft.agentId ?? "",
    selection: draft.everything ? [] : draft.paths.map((text) => ({ text, raw: null })),
    target_folder: draft.target.trim(),
    policy: draft.policy as ConflictPolicy,
    verify: draft.verify,
  };
}
