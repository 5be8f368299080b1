import { Button } from "@mantine/core";
import { IconFolderSearch, IconPlayerPlay } from "@tabler/icons-react";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";

import { ButtonLink } from "../../components/link";
import { DangerousAct } from "../../components/object-acts";
import { showProblem } from "../../components/show-problem";
import { useOrg, useRights } from "../../lib/organization";
import { runJob } from "../../lib/queries/jobs";
import { cancelRun, isFinal, runQuery, type RunDetail } from "../../lib/queries/runs";

/** What one can do with a run. */
export function RunActs({ run }: { run: RunDetail }) {
  const org = useOrg();
  const { t } = useTranslation();
  const { operate } = useRights();
  const ended = isFinal(run.state);
  return (
    <>
      {run.snapshot_id === null ? null : (
        <ButtonLink
          to="/o/$org/snapshots/$snapshotId"
          params={{ org, snapshotId: run.snapshot_id }}
          variant="default"
          leftSection={<IconFolderSearch size={16} aria-hidden />}
        >
          {t("runs.openSnapshot")}
        </ButtonLink>
      )}
      {operate && ended && run.job_id !== null ? <RunAgain run={run} jobId={run.job_id} /> : null}
      {operate && !ended && run.cancel_requested_at === null ? <Cancel run={run} /> : null}
    </>
  );
}

function RunAgain({ run, jobId }: { run: RunDetail; jobId: string }) {
  const org = useOrg();
  const { t } = useTranslation();
  const navigate = useNavigate();
  const starting = useMutation({
    mutationFn: () => runJob(org, jobId, [run.agent_id]),
    onSuccess: async ({ items: [started] }) => {
      if (started !== undefined)
        await navigate({ to: "/o/$org/runs/$runId", params: { org, runId: started.id } });
    },
    onError: (error) => showProblem(error, t),
  });
  return (
    <Button
      variant="default"
      leftSection={<IconPlayerPlay size={16} aria-hidden />}
      loading={starting.isPending}
      onClick={() => starting.mutate()}
    >
      {t("runs.again")}
    </Button>
  );
}

function Cancel({ run }: { run: RunDetail }) {
  const org = useOrg();
  const { t } = useTranslation();
  const client = useQueryClient();
  return (
    <DangerousAct
      label={t("runs.cancel")}
      title={t("runs.cancelTitle")}
      act={async () => client.setQueryData(runQuery(org, run.id).queryKey, await cancelRun(org, run.id))}
    >
      {run.kind === "backup" ? t("runs.cancelBackup") : t("runs.cancelRestore")}
    </DangerousAct>
  );
}
