import { Count } from "@sbs/ui/quantities";
import { RelativeTime } from "@sbs/ui/relative-time";
import { StatusBadge } from "@sbs/ui/status-badge";
import { useTranslation } from "react-i18next";

import { PageLink } from "../../components/link";
import type { ListColumn } from "../../components/list/list-columns";
import { cronSentence } from "../../lib/cron-sentence";
import { useOrg } from "../../lib/organization";
import type { Job } from "../../lib/queries/jobs";
import { useLanguage } from "../../lib/use-language";
import { jobStatus } from "./job-status";

export function useJobColumns(): ListColumn<Job>[] {
  const org = useOrg();
  const { t } = useTranslation();
  const [locale] = useLanguage();
  const schedule = (job: Job) => (job.cron === null ? t("jobs.byHand") : cronSentence(job.cron, locale));
  const kept = (job: Job) =>
    job.keep_last === null ? t("jobs.keepAll") : t("jobs.keepLast", { count: job.keep_last });
  return [
    {
      id: "name",
      header: t("field.name"),
      sorts: ["name", "-name"],
      width: "22%",
      cell: (job) => (
        <PageLink to="/o/$org/jobs/$jobId" params={{ org, jobId: job.id }} title={job.name}>
          {job.name}
        </PageLink>
      ),
      csv: (job) => job.name,
    },
    {
      id: "status",
      header: t("field.status"),
      width: "172px",
      cell: (job) => <StatusBadge status={jobStatus(job)} />,
      csv: (job) => t(`status.${jobStatus(job)}`, { ns: "ui" }),
    },
    {
      id: "schedule",
      header: t("jobs.schedule"),
      cell: (job) => <span title={schedule(job)}>{schedule(job)}</span>,
      csv: schedule,
    },
    {
      id: "agents",
      minor: true,
      header: t("pages.agents"),
      width: "90px",
      numeric: true,
      cell: (job) => <Count value={job.agent_ids.length} />,
      csv: (job) => job.agent_ids.length,
    },
    {
      id: "sources",
      atFirst: false,
      header: t("jobs.sources"),
      cell: (job) => (
        <span className="sbs-mono" title={job.sources.join("\n")}>
          {job.sources.join(", ")}
        </span>
      ),
      csv: (job) => job.sources.join("\n"),
    },
    {
      id: "kept",
      atFirst: false,
      header: t("jobs.retention"),
      cell: (job) => <span title={kept(job)}>{kept(job)}</span>,
      csv: kept,
    },
    {
      id: "last",
      header: t("jobs.lastRun"),
      width: "198px",
      cell: (job) => <LastRun job={job} />,
      csv: (job) => (job.last_run === null ? null : t(`status.${job.last_run.state}`, { ns: "ui" })),
    },
    {
      id: "next",
      minor: true,
      header: t("jobs.nextRun"),
      // By the newest first there is no order of the API.
      sorts: ["next_run_at"],
      width: "168px",
      cell: (job) => <RelativeTime at={job.next_run_at} />,
      csv: (job) => job.next_run_at,
    },
    {
      id: "created",
      atFirst: false,
      header: t("field.createdIt"),
      sorts: ["-created_at", "created_at"],
      width: "150px",
      cell: (job) => <RelativeTime at={job.created_at} />,
      csv: (job) => job.created_at,
    },
  ];
}

function LastRun({ job: { last_run: run } }: { job: Job }) {
  const org = useOrg();
  if (run === null) return "–";
  return (
    <PageLink to="/o/$org/runs/$runId" params={{ org, runId: run.id }}>
      <StatusBadge status={run.state} />
    </PageLink>
  );
}
