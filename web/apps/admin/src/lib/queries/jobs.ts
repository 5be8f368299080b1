import { queryOptions } from "@tanstack/react-query";

import { api, inOrg, ORG, type Schemas } from "../api";
import { answer } from "../problem";
import { pagedQuery, type Ask } from "./pages";

export type Job = Schemas["JobOut"];
export type JobDetail = Schemas["JobDetail"];
export type JobCreate = Schemas["JobCreate"];
/** Some fields of a job. The generated type wants those that have a default, though the API does not. */
export type JobPart = Partial<JobCreate>;

export interface JobFilter {
  name?: string | undefined;
  state?: "active" | "paused" | undefined;
  agent?: string | undefined;
  repository?: string | undefined;
  sort?: Schemas["JobSort"] | undefined;
}

const one = (org: string, id: string) => ({ ...inOrg(org), job_id: id });

/** Asks for pages of the jobs that a filter lets through. */
export function askJobs(org: string, filter: JobFilter): Ask<Job> {
  const query = {
    name: filter.name || undefined,
    paused: filter.state === undefined ? undefined : filter.state === "paused",
    agent_id: filter.agent,
    repository_id: filter.repository,
    sort: filter.sort,
  };
  return ({ signal, ...page }) =>
    answer(api.GET(`${ORG}/jobs`, { params: { path: inOrg(org), query: { ...query, ...page } }, signal }));
}

export function jobsQuery(org: string, filter: JobFilter = {}) {
  return pagedQuery([org, "jobs", "list", filter], askJobs(org, filter));
}

export function jobQuery(org: string, id: string) {
  return queryOptions({
    queryKey: [org, "jobs", "one", id],
    queryFn: ({ signal }) =>
      answer(api.GET(`${ORG}/jobs/{job_id}`, { params: { path: one(org, id) }, signal })),
  });
}

export function createJob(org: string, body: JobCreate): Promise<JobDetail> {
  return answer(api.POST(`${ORG}/jobs`, { params: { path: inOrg(org) }, body }));
}

export function editJob(org: string, id: string, version: number, body: JobPart): Promise<JobDetail> {
  const params = { path: one(org, id), header: { "if-match": `"${version}"` } };
  return answer(api.PATCH(`${ORG}/jobs/{job_id}`, { params, body: body as Schemas["JobEdit"] }));
}

export async function deleteJob(org: string, id: string): Promise<void> {
  await answer(api.DELETE(`${ORG}/jobs/{job_id}`, { params: { path: one(org, id) } }));
}

export function pauseJob(org: string, id: string, paused: boolean): Promise<JobDetail> {
  const params = { path: one(org, id) };
  return answer(
    paused
      ? api.POST(`${ORG}/jobs/{job_id}/pause`, { params })
      : api.POST(`${ORG}/jobs/{job_id}/resume`, { params }),
  );
}

export function runJob(org: string, id: string, agents?: string[]): Promise<Schemas["RunsStarted"]> {
  const body = agents === undefined ? null : { agent_ids: agents };
  return answer(api.POST(`${ORG}/jobs/{job_id}/runs`, { params: { path: one(org, id) }, body }));
}

export function schedulePreviewQuery(org: string, cron: string, timeZone: string) {
  return queryOptions({
    queryKey: [org, "schedule-preview", cron, timeZone],
    queryFn: ({ signal }) =>
      answer(
        api.POST(`${ORG}/schedules/preview`, {
          params: { path: inOrg(org) },
          body: { cron, time_zone: timeZone, offset_s: 0, count: 20 },
          signal,
        }),
      ),
    retry: false,
    placeholderData: (before) => before,
  });
}

/** Asks whether these fields could be those of a job. Throws ApiProblem with what is wrong with them. */
export async function checkJob(org: string, part: JobPart, jobId: string | null): Promise<void> {
  const body = { ...part, job_id: jobId } as Schemas["JobCheck"];
  await answer(api.POST(`${ORG}/jobs/check`, { params: { path: inOrg(org) }, body }));
}
