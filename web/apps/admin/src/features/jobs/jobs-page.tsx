import { DataTable, type Column } from "@sbs/ui/data-table";
import { FacetChips, FilterBar, SearchField } from "@sbs/ui/facets";
import { PageHeader } from "@sbs/ui/page-header";
import { Count } from "@sbs/ui/quantities";
import { RelativeTime } from "@sbs/ui/relative-time";
import { EmptyState } from "@sbs/ui/states";
import { StatusBadge } from "@sbs/ui/status-badge";
import { IconCalendarRepeat, IconPlus } from "@tabler/icons-react";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";

import { ButtonLink, PageLink } from "../../components/link";
import { ObjectFilter } from "../../components/object-filter";
import { QueryView } from "../../components/query-view";
import { cronSentence } from "../../lib/cron-sentence";
import { useOrg, useRights } from "../../lib/organization";
import { jobsQuery, type Job, type JobFilter } from "../../lib/queries/jobs";
import { usePages } from "../../lib/queries/pages";
import { useLanguage } from "../../lib/use-language";
import { jobStatus } from "./job-status";

const STATES = ["active", "paused"] as const;

export function JobsPage() {
  const org = useOrg();
  const { t } = useTranslation();
  const { operate } = useRights();
  const filter = useSearch({ from: "/signed-in/o/$org/jobs" });
  const navigate = useNavigate({ from: "/o/$org/jobs" });
  const { query, rows, more } = usePages(jobsQuery(org, filter));
  const columns = useColumns();
  const change = (part: JobFilter) => void navigate({ search: { ...filter, ...part }, replace: true });
  const isFiltered = Object.values(filter).some((value) => value !== undefined);
  const button = operate ? (
    <ButtonLink to="/o/$org/jobs/new" params={{ org }} leftSection={<IconPlus size={16} aria-hidden />}>
      {t("jobs.create")}
    </ButtonLink>
  ) : undefined;
  return (
    <>
      <PageHeader title={t("pages.jobs")} description={t("jobs.about")} actions={button} />
      <FilterBar>
        <SearchField
          label={t("field.name")}
          value={filter.name ?? ""}
          change={(name) => change({ name: name || undefined })}
        />
        <ObjectFilter kind="agent" value={filter.agent} change={(agent) => change({ agent })} />
        <FacetChips
          label={t("field.status")}
          options={STATES.map((state) => ({ value: state, label: t(`status.${state}`, { ns: "ui" }) }))}
          value={filter.state}
          change={(state) => change({ state })}
        />
      </FilterBar>
      <QueryView query={query} rows={8}>
        {() =>
          rows.length > 0 ? (
            <DataTable
              label={t("pages.jobs")}
              columns={columns}
              rows={rows}
              of={filter}
              rowKey={(job) => job.id}
              open={(job) => void navigate({ to: "/o/$org/jobs/$jobId", params: { org, jobId: job.id } })}
              more={more}
            />
          ) : isFiltered ? (
            <EmptyState title={t("list.nothingFound")} description={t("list.changeFilter")} />
          ) : (
            <EmptyState
              icon={IconCalendarRepeat}
              title={t("jobs.none")}
              description={t("jobs.noneText")}
              action={button}
            />
          )
        }
      </QueryView>
    </>
  );
}

function useColumns(): Column<Job>[] {
  const org = useOrg();
  const { t } = useTranslation();
  const [locale] = useLanguage();
  return [
    {
      id: "name",
      header: t("field.name"),
      width: "22%",
      cell: (job) => (
        <PageLink to="/o/$org/jobs/$jobId" params={{ org, jobId: job.id }}>
          {job.name}
        </PageLink>
      ),
    },
    {
      id: "status",
      header: t("field.status"),
      width: "172px",
      cell: (job) => <StatusBadge status={jobStatus(job)} />,
    },
    {
      id: "schedule",
      header: t("jobs.schedule"),
      cell: (job) => {
        const sentence = job.cron === null ? t("jobs.byHand") : cronSentence(job.cron, locale);
        return <span title={sentence}>{sentence}</span>;
      },
    },
    {
      id: "agents",
      minor: true,
      header: t("pages.agents"),
      width: "90px",
      numeric: true,
      cell: (job) => <Count value={job.agent_ids.length} />,
    },
    {
      id: "last",
      header: t("jobs.lastRun"),
      width: "178px",
      cell: (job) =>
        job.last_run === null ? (
          "–"
        ) : (
          <PageLink to="/o/$org/runs/$runId" params={{ org, runId: job.last_run.id }}>
            <StatusBadge status={job.last_run.state} />
          </PageLink>
        ),
    },
    {
      id: "next",
      minor: true,
      header: t("jobs.nextRun"),
      width: "150px",
      cell: (job) => <RelativeTime at={job.next_run_at} />,
    },
  ];
}
