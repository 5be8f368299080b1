import { queryOptions } from "@tanstack/react-query";

import { api, inOrg, ORG, type Schemas } from "../api";
import { answer } from "../problem";
import { pagedQuery, type Ask } from "./pages";

export type Run = Schemas["RunOut"];
export type RunDetail = Schemas["RunDetail"];
export type RunState = Schemas["RunState"];
export type RunProgress = Schemas["RunProgress"];
export type Timeline = Schemas["Timeline"];
export type Warning = Schemas["RunWarningOut"];

export interface RunFilter {
  kind?: Schemas["RunKind"] | undefined;
  state?: RunState | undefined;
  job?: string | undefined;
  agent?: string | undefined;
  /** A day of the reader's calendar, YYYY-MM-DD. */
  day?: string | undefined;
  sort?: Schemas["RunSort"] | undefined;
}

const OPEN_STATES = ["waiting", "running"] as const satisfies readonly RunState[];
export const FINAL_STATES = [
  "succeeded",
  "completed_with_warnings",
  "partial",
  "failed",
  "cancelled",
] as const satisfies readonly RunState[];
export const RUN_STATES = [...OPEN_STATES, ...FINAL_STATES] as const;

export function isFinal(state: RunState): boolean {
  return OPEN_STATES.every((open) => open !== state);
}

const one = (org: string, id: string) => ({ path: { ...inOrg(org), run_id: id } });

/** Asks for pages of the runs that a filter lets through. */
export function askRuns(org: string, filter: RunFilter): Ask<Run> {
  const query = {
    kind: filter.kind,
    state: filter.state === undefined ? undefined : [filter.state],
    job_id: filter.job,
    agent_id: filter.agent,
    sort: filter.sort,
    ...bounds(filter.day),
  };
  return ({ signal, ...page }) =>
    answer(api.GET(`${ORG}/runs`, { params: { path: inOrg(org), query: { ...query, ...page } }, signal }));
}

export function runsQuery(org: string, filter: RunFilter = {}, limit?: number) {
  const ask = askRuns(org, filter);
  return pagedQuery([org, "runs", "list", filter, limit], (asked) => ask({ ...asked, limit }));
}

/** How many of the newest runs a page shows that is about something else. */
export const LAST_RUNS = 8;

export function lastRunsQuery(org: string, filter: RunFilter = {}) {
  return runsQuery(org, filter, LAST_RUNS);
}

/** A day of the reader's calendar as moments. */
function bounds(day: string | undefined): { created_from?: string; created_to?: string } {
  if (day === undefined) return {};
  const from = new Date(`${day}T00:00:00`);
  const to = new Date(from);
  to.setDate(to.getDate() + 1);
  return { created_from: from.toISOString(), created_to: to.toISOString() };
}

export function runQuery(org: string, id: string) {
  return queryOptions({
    queryKey: [org, "runs", "one", id],
    queryFn: ({ signal }) => answer(api.GET(`${ORG}/runs/{run_id}`, { params: one(org, id), signal })),
  });
}

export function timelineQuery(org: string, id: string) {
  return queryOptions({
    queryKey: [org, "runs", "timeline", id],
    queryFn: ({ signal }) =>
      answer(api.GET(`${ORG}/runs/{run_id}/timeline`, { params: one(org, id), signal })),
  });
}

/** Filled by the live stream; never asked for. */
export function progressQuery(org: string, id: string) {
  return queryOptions<RunProgress | null>({
    queryKey: [org, "progress", id],
    queryFn: () => null,
    staleTime: Infinity,
  });
}

export function warningsQuery(org: string, id: string, q: string) {
  return pagedQuery<Warning>([org, "runs", "warnings", id, q], ({ cursor, signal }) =>
    answer(
      api.GET(`${ORG}/runs/{run_id}/warnings`, {
        params: { ...one(org, id), query: { q: q || undefined, cursor, limit: 200 } },
        signal,
      }),
    ),
  );
}

export function cancelRun(org: string, id: string): Promise<RunDetail> {
  return answer(api.POST(`${ORG}/runs/{run_id}/cancel`, { params: one(org, id) }));
}
