import type { QueryKey } from "@tanstack/react-query";

/** What the stream of an organization says. Shapes are the API's ChangeStream; nothing more is relied on. */
export interface Change {
  kind: string;
  id: string;
  what: string;
  job_id?: string | null;
  agent_id?: string | null;
  run_id?: string | null;
}

/** Lists and pages that show something of each kind of object. */
const SHOWN_IN: Record<string, readonly string[]> = {
  run: ["runs", "overview", "jobs", "agents"],
  agent: ["agents", "overview"],
  job: ["jobs", "overview"],
  repository: ["repositories", "overview"],
  // A first snapshot is also a machine's repository, and each takes space.
  snapshot: ["snapshots", "overview", "repositories"],
  enrolment_token: ["tokens"],
};

/** The keys of what has to be asked for again after these changes, each once. */
export function staleAfter(org: string, changes: readonly Change[]): QueryKey[] {
  const resources = new Set<string>();
  for (const change of changes) {
    for (const resource of SHOWN_IN[change.kind] ?? []) resources.add(resource);
    // An agent that comes with a token uses it up.
    if (change.kind === "agent") resources.add("tokens");
  }
  return [...resources].sort().map((resource) => [org, resource]);
}

/** A change from the text of an event; null: not one that we understand (a newer server's, perhaps). */
export function parseChange(text: string): Change | null {
  const data: unknown = JSON.parse(text);
  if (typeof data !== "object" || data === null || !("kind" in data) || !("id" in data)) return null;
  const { kind, id } = data;
  return typeof kind === "string" && typeof id === "string" ? (data as Change) : null;
}
