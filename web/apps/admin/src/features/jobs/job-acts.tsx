import { Button } from "@mantine/core";
import { IconPencil, IconPlayerPause, IconPlayerPlay, IconPlayerTrackNext } from "@tabler/icons-react";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";

import { ButtonLink } from "../../components/link";
import { DangerousAct } from "../../components/object-acts";
import { showDone, showProblem } from "../../components/show-problem";
import { leave } from "../../lib/live/leaving";
import { useOrg, useRights } from "../../lib/organization";
import { deleteJob, jobQuery, pauseJob, runJob, type JobDetail } from "../../lib/queries/jobs";

/** What one can do with a job. */
export function JobActs({ job }: { job: JobDetail }) {
  const org = useOrg();
  const { t } = useTranslation();
  const { operate } = useRights();
  if (!operate) return null;
  return (
    <>
      <RunNow job={job} />
      {job.cron === null ? null : <PauseOrResume job={job} />}
      <ButtonLink
        to="/o/$org/jobs/$jobId/edit"
        params={{ org, jobId: job.id }}
        variant="default"
        leftSection={<IconPencil size={16} aria-hidden />}
      >
        {t("act.edit")}
      </ButtonLink>
      <Delete job={job} />
    </>
  );
}

function RunNow({ job }: { job: JobDetail }) {
  const org = useOrg();
  const { t } = useTranslation();
  const navigate = useNavigate();
  const client = useQueryClient();
  const starting = useMutation({
    mutationFn: () => runJob(org, job.id),
    onSuccess: async ({ items }) => {
      const [only] = items;
      if (items.length === 1 && only !== undefined) {
        await navigate({ to: "/o/$org/runs/$runId", params: { org, runId: only.id } });
        return;
      }
      showDone(t("jobs.started", { count: items.length }));
      await client.invalidateQueries({ queryKey: [org, "runs"] });
    },
    onError: (error) => showProblem(error, t),
  });
  return (
    <Button
      leftSection={<IconPlayerPlay size={16} aria-hidden />}
      loading={starting.isPending}
      onClick={() => starting.mutate()}
    >
      {t("jobs.runNow")}
    </Button>
  );
}

function PauseOrResume({ job }: { job: JobDetail }) {
  const org = useOrg();
  const { t } = useTranslation();
  const client = useQueryClient();
  const changing = useMutation({
    mutationFn: () => pauseJob(org, job.id, !job.paused),
    onSuccess: (after) => client.setQueryData(jobQuery(org, job.id).queryKey, after),
    onError: (error) => showProblem(error, t),
  });
  const Icon = job.paused ? IconPlayerTrackNext : IconPlayerPause;
  return (
    <Button
      variant="default"
      leftSection={<Icon size={16} aria-hidden />}
      loading={changing.isPending}
      onClick={() => changing.mutate()}
    >
      {job.paused ? t("jobs.resume") : t("jobs.pause")}
    </Button>
  );
}

function Delete({ job }: { job: JobDetail }) {
  const org = useOrg();
  const { t } = useTranslation();
  const navigate = useNavigate();
  const client = useQueryClient();
  return (
    <DangerousAct
      label={t("act.delete")}
      title={t("jobs.deleteTitle")}
      name={job.name}
      act={() =>
        leave(client, job.id, async () => {
          await deleteJob(org, job.id);
          await navigate({ to: "/o/$org/jobs", params: { org } });
          await client.invalidateQueries({ queryKey: [org, "jobs", "list"] });
        })
      }
    >
      {t("jobs.deleteText")}
    </DangerousAct>
  );
}
