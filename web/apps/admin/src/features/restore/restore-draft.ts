import type { ConflictPolicy, RestoreCreate } from "../../lib/queries/restores";
import type { Snapshot } from "../../lib/queries/snapshots";

/** The wizard's form. */
export interface RestoreDraft {
  step: number;
  snapshotId: string | null;
  /** The machine that the snapshot was taken from. */
  sourceAgentId: string | null;
  /** The machine that restores. */
  agentId: string | null;
  /** An administrator has said that the one may read what the other has backed up. */
  isAllowed: boolean;
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
    sourceAgentId: null,
    agentId: null,
    isAllowed: false,
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

/** What a snapshot brings with it: its own machine restores it, until somebody chooses another. */
export function ofSnapshot(snapshot: Pick<Snapshot, "id" | "agent_id">): Partial<RestoreDraft> {
  const { id, agent_id } = snapshot;
  return { snapshotId: id, sourceAgentId: agent_id, agentId: agent_id, isAllowed: false };
}

/** Whether one machine restores what another has backed up. */
export function isElsewhere(draft: RestoreDraft): boolean {
  return draft.sourceAgentId !== null && draft.agentId !== draft.sourceAgentId;
}

/** What a step still needs; null: nothing. What the server would refuse it says by itself. */
export function missing(
  draft: RestoreDraft,
  step: number,
): "snapshot" | "files" | "target" | "allowed" | null {
  switch (STEPS[step]) {
    case "snapshot":
      return draft.snapshotId === null ? "snapshot" : null;
    case "files":
      return draft.everything || draft.paths.length > 0 ? null : "files";
    case "target":
      if (isElsewhere(draft) && !draft.isAllowed) return "allowed";
      return draft.target.trim() === "" || draft.policy === null ? "target" : null;
    default:
      return null;
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
    ...(isElsewhere(draft) && draft.isAllowed ? { from_other_agent: true } : {}),
  };
}
