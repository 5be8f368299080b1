import type { Schemas } from "../../lib/api";
import type { JobCreate, JobDetail, JobPart } from "../../lib/queries/jobs";
import { fromCron, toCron, type Schedule } from "../../lib/schedule";

/** The wizard's form. Lists of paths are text, a line each, as they are typed. */
export interface JobDraft {
  step: number;
  name: string;
  sources: string;
  includes: string;
  excludes: string;
  agents: readonly string[];
  repositories: readonly string[];
  schedule: Schedule;
  timeZone: string;
  /** Null: all snapshots are kept. */
  keepLast: number | null;
  compression: Schemas["Compression"];
  /** Of the job that is edited, when its form was opened: who saves over another's change is told. */
  version: number;
}

/** The steps and the fields of each, by the names that the API gives them. */
export const STEPS = [
  { name: "what", fields: ["name", "sources", "includes", "excludes", "compression"] },
  { name: "where", fields: ["agent_ids", "repository_ids"] },
  { name: "when", fields: ["cron", "time_zone", "keep_last"] },
  { name: "summary", fields: [] },
] as const satisfies readonly { name: string; fields: readonly (keyof JobCreate)[] }[];

export function newDraft(): JobDraft {
  return {
    step: 0,
    name: "",
    sources: "",
    includes: "",
    excludes: "",
    agents: [],
    repositories: [],
    schedule: { mode: "days", days: ["MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN"], time: "02:00" },
    timeZone: Intl.DateTimeFormat().resolvedOptions().timeZone,
    keepLast: 30,
    compression: "auto",
    version: 0,
  };
}

export function draftOf(job: JobDetail): JobDraft {
  return {
    step: 0,
    name: job.name,
    sources: job.sources.join("\n"),
    includes: job.includes.join("\n"),
    excludes: job.excludes.join("\n"),
    agents: job.agent_ids,
    repositories: job.repository_ids,
    schedule: fromCron(job.cron),
    timeZone: job.time_zone,
    keepLast: job.keep_last,
    compression: job.compression,
    version: job.version,
  };
}

/** What the API is sent for it. */
export function bodyOf(draft: JobDraft) {
  return {
    name: draft.name.trim(),
    sources: lines(draft.sources),
    includes: lines(draft.includes),
    excludes: lines(draft.excludes),
    agent_ids: [...draft.agents],
    repository_ids: [...draft.repositories],
    cron: toCron(draft.schedule),
    time_zone: draft.timeZone,
    keep_last: draft.keepLast,
    compression: draft.compression,
  } satisfies Partial<JobCreate>;
}

/** The part of it that a step is about. */
export function bodyOfStep(draft: JobDraft, step: number): JobPart {
  const body = bodyOf(draft);
  const fields: readonly string[] = STEPS[step]?.fields ?? [];
  return Object.fromEntries(Object.entries(body).filter(([name]) => fields.includes(name)));
}

/** The step that holds a field the server complained about; null: none does. */
export function stepOfPointer(pointer: string): number | null {
  const field = pointer.split("/")[1] ?? "";
  const found = STEPS.findIndex((step) => (step.fields as readonly string[]).includes(field));
  return found === -1 ? null : found;
}

export function lines(text: string): string[] {
  return text
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "");
}
