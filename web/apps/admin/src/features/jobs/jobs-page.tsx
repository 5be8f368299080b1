import { FacetChips, SearchField } from "@sbs/ui/facets";
import { EmptyState } from "@sbs/ui/states";
import {
  IconCalendarRepeat,
  IconPlayerPause,
  IconPlayerPlay,
  IconPlayerTrackNext,
  IconPlus,
} from "@tabler/icons-react";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";

import { ButtonLink } from "../../components/link";
import type { BulkAct } from "../../components/list/bulk-acts";
import { ListPage } from "../../components/list/list-page";
import { ObjectFilter } from "../../components/object-filter";
import { useOrg, useRights } from "../../lib/organization";
import { askJobs, jobsQuery, pauseJob, runJob, type Job, type JobFilter } from "../../lib/queries/jobs";
import { useJobColumns } from "./job-columns";

const STATES = ["active", "paused"] as const;

export function JobsPage() {
  const org = useOrg();
  const { t } = useTranslation();
  const { operate } = useRights();
  const filter = useSearch({ from: "/signed-in/o/$org/jobs" });
  const navigate = useNavigate({ from: "/o/$org/jobs" });
  const goTo = (search: JobFilter) => void navigate({ search, replace: true });
  const change = (part: JobFilter) => goTo({ ...filter, ...part });
  const button = operate ? (
    <ButtonLink to="/o/$org/jobs/new" params={{ org }} leftSection={<IconPlus size={16} aria-hidden />}>
      {t("jobs.create")}
    </ButtonLink>
  ) : undefined;
  return (
    <ListPage
      name="jobs"
      title={t("pages.jobs")}
      about={t("jobs.about")}
      actions={button}
      facets={
        <>
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
        </>
      }
      filter={filter}
      goTo={goTo}
      list={jobsQuery(org, filter)}
      ask={(asked) => askJobs(org, asked)}
      columns={useJobColumns()}
      ownSort="-created_at"
      nameOf={(job) => job.name}
      open={(job) => void navigate({ to: "/o/$org/jobs/$jobId", params: { org, jobId: job.id } })}
      acts={useBulkActs()}
      empty={
        <EmptyState
          icon={IconCalendarRepeat}
          title={t("jobs.none")}
          description={t("jobs.noneText")}
          action={button}
        />
      }
    />
  );
}

function useBulkActs(): BulkAct<Job>[] {
  const org = useOrg();
  const { t } = useTranslation();
  const { operate } = useRights();
  if (!operate) return [];
  return [
    {
      id: "run",
      label: t("jobs.runNow"),
      Icon: IconPlayerPlay,
      fits: () => true,
      act: (job) => runJob(org, job.id),
    },
    {
      id: "pause",
      label: t("jobs.pause"),
      Icon: IconPlayerPause,
      fits: (job) => job.cron !== null && !job.paused,
      act: (job) => pauseJob(org, job.id, true),
    },
    {
      id: "resume",
      label: t("jobs.resume"),
      Icon: IconPlayerTrackNext,
      fits: (job) => job.paused,
      act: (job) => pauseJob(org, job.id, false),
    },
  ];
}
