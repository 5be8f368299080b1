import { Notice } from "@sbs/ui/states";
import { useFormat } from "@sbs/ui/use-format";
import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";

import { PageLink } from "../../components/link";
import { useOrg } from "../../lib/organization";
import { jobQuery } from "../../lib/queries/jobs";
import { isFinal, type RunDetail } from "../../lib/queries/runs";

/** What is wrong or what it waits for, why, and what happens next: above everything else. */
export function RunNotice({ run }: { run: RunDetail }) {
  const { t } = useTranslation();
  if (run.error !== null) {
    return (
      <Notice tone={run.state === "partial" ? "warning" : "failed"} title={run.error.message}>
        {run.error.hint === null || run.error.hint === undefined ? null : <p>{run.error.hint}</p>}
        <Detail text={run.error.detail} />
        <Next run={run} />
      </Notice>
    );
  }
  if (run.wait !== null) return <Waiting run={run} wait={run.wait} />;
  if (run.cancel_requested_at !== null && !isFinal(run.state)) {
    return <Notice tone="quiet" title={t("runs.cancelling")} />;
  }
  return null;
}

/** What the machine reported, for whoever looks closer. */
function Detail({ text }: { text: string | null }) {
  const { t } = useTranslation();
  if (text === null || text === "") return null;
  return (
    <p>
      {t("runs.reported")} <code className="sbs-mono">{text}</code>
    </p>
  );
}

function Waiting({ run, wait }: { run: RunDetail; wait: NonNullable<RunDetail["wait"]> }) {
  const org = useOrg();
  const { t } = useTranslation();
  const format = useFormat();
  const { retry_at: retryAt, agent_offline_since: offline } = wait;
  const last = run.attempts.at(-1)?.error;
  return (
    <Notice tone="quiet" title={wait.message}>
      {wait.hint === null || wait.hint === undefined ? null : <p>{wait.hint}</p>}
      {offline === null || offline === undefined ? null : (
        <p>{t("runs.offlineSince", { time: format.exact(new Date(offline)) })}</p>
      )}
      {retryAt === null || retryAt === undefined ? null : (
        <p>{t("runs.retryAt", { time: format.exact(new Date(retryAt)) })}</p>
      )}
      {last === null || last === undefined ? null : <p>{t("runs.lastReason", { reason: last.message })}</p>}
      {(wait.blocked_by ?? []).map((id) => (
        <p key={id}>
          <PageLink to="/o/$org/runs/$runId" params={{ org, runId: id }}>
            {t("runs.blocking")}
          </PageLink>
        </p>
      ))}
    </Notice>
  );
}

/** After a failure: when the schedule tries again by itself. */
function Next({ run }: { run: RunDetail }) {
  const org = useOrg();
  const { t } = useTranslation();
  const format = useFormat();
  const job = useQuery({ ...jobQuery(org, run.job_id ?? ""), enabled: run.job_id !== null });
  if (run.kind === "restore") return <p>{t("runs.nextRestore")}</p>;
  const next = job.data?.next_run_at;
  if (next === null || next === undefined) return <p>{t("runs.nextByHand")}</p>;
  return <p>{t("runs.nextAt", { time: format.exact(new Date(next)) })}</p>;
}
