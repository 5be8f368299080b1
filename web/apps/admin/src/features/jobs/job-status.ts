import type { Status } from "@sbs/ui/status-list";

import type { Job } from "../../lib/queries/jobs";

export function jobStatus(job: Pick<Job, "paused" | "cron" | "overdue_since">): Status {
  if (job.paused) return "paused";
  if (job.overdue_since !== null) return "overdue";
  return job.cron === null ? "manual" : "active";
}
