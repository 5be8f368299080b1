import { lastOrganization } from "../lib/last-organization";
import type { AgentFilter } from "../lib/queries/agents";
import type { JobFilter } from "../lib/queries/jobs";
import type { RepositoryFilter } from "../lib/queries/repositories";
import { RUN_STATES, type RunFilter } from "../lib/queries/runs";
import type { Session } from "../lib/queries/session";
import type { SnapshotFilter } from "../lib/queries/snapshots";

/** What of an address's search part each page understands. Anything else is dropped, not an error. */

type Raw = Record<string, unknown>;

function text(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}

function oneOf<Value extends string>(value: unknown, allowed: readonly Value[]): Value | undefined {
  return allowed.find((option) => option === value);
}

const BY_NAME_OR_AGE = ["name", "-name", "created_at", "-created_at"] as const;

export function agentsSearch(raw: Raw): AgentFilter & { enrol?: true | undefined } {
  return {
    enrol: raw.enrol === true ? true : undefined,
    q: text(raw.q),
    state: oneOf(raw.state, ["connected", "offline", "revoked"]),
    sort: oneOf(raw.sort, [...BY_NAME_OR_AGE, "last_seen_at", "-last_seen_at"]),
  };
}

export function runsSearch(raw: Raw): RunFilter {
  return {
    kind: oneOf(raw.kind, ["backup", "restore"]),
    state: oneOf(raw.state, RUN_STATES),
    job: text(raw.job),
    agent: text(raw.agent),
    sort: oneOf(raw.sort, ["created_at", "-created_at"]),
    day: /^\d{4}-\d\d-\d\d$/.test(text(raw.day) ?? "") ? text(raw.day) : undefined,
  };
}

export function runSearch(raw: Raw): { warning?: string | undefined } {
  return { warning: text(raw.warning) };
}

export function jobsSearch(raw: Raw): JobFilter {
  return {
    name: text(raw.name),
    state: oneOf(raw.state, ["active", "paused"]),
    agent: text(raw.agent),
    repository: text(raw.repository),
    sort: oneOf(raw.sort, [...BY_NAME_OR_AGE, "next_run_at"]),
  };
}

export function snapshotsSearch(raw: Raw): SnapshotFilter {
  return {
    job: text(raw.job),
    agent: text(raw.agent),
    repository: text(raw.repository),
    forgotten: raw.forgotten === true ? true : undefined,
    sort: oneOf(raw.sort, ["taken_at", "-taken_at"]),
  };
}

export function snapshotSearch(raw: Raw): { path?: string | undefined } {
  return { path: text(raw.path) };
}

export function restoreSearch(raw: Raw): { snapshot?: string | undefined; pick?: string | undefined } {
  return { snapshot: text(raw.snapshot), pick: text(raw.pick) };
}

export function repositoriesSearch(raw: Raw): RepositoryFilter & { create?: true | undefined } {
  return {
    name: text(raw.name),
    sort: oneOf(raw.sort, BY_NAME_OR_AGE),
    create: raw.create === true ? true : undefined,
  };
}

/** Where to go after sign-in: an address of ours, never one of another site. */
export function signInSearch(raw: Raw): { to?: string } {
  const to = text(raw.to);
  return to !== undefined && /^\/(?![/\\])/.test(to) && !to.startsWith("/sign-in") ? { to } : {};
}

/** The organization to begin with; null: the person belongs to none. */
export function homeAddress(session: Session): string | null {
  const last = lastOrganization();
  const ids = session.memberships.map((membership) => membership.organization_id);
  return ids.find((id) => id === last) ?? ids[0] ?? null;
}
