import { PageHeader } from "@sbs/ui/page-header";
import { RelativeTime } from "@sbs/ui/relative-time";
import { StatusBadge } from "@sbs/ui/status-badge";
import { useQuery } from "@tanstack/react-query";
import { useParams } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";

import { PageLink } from "../../components/link";
import { QueryView } from "../../components/query-view";
import { runStatus, useRunName } from "../../components/run-bits";
import { useRunStream } from "../../lib/live/use-run-stream";
import { useOrg } from "../../lib/organization";
import { restoreQuery } from "../../lib/queries/restores";
import { isFinal, runQuery, timelineQuery, type RunDetail } from "../../lib/queries/runs";
import { RestoreFacts } from "./restore-facts";
import { RunActs } from "./run-acts";
import { RunNotice } from "./run-notice";
import { RunProgressView } from "./run-progress";
import { RunResult } from "./run-result";
import { RunTargets } from "./run-targets";
import { RunTimeline } from "./run-timeline";
import { RunWarnings } from "./run-warnings";

export function RunPage() {
  const org = useOrg();
  const { runId } = useParams({ from: "/signed-in/o/$org/runs/$runId" });
  const query = useQuery(runQuery(org, runId));
  useRunStream(org, runId, query.data === undefined || isFinal(query.data.state));
  return <QueryView query={query}>{(run) => <RunView run={run} />}</QueryView>;
}

function RunView({ run }: { run: RunDetail }) {
  const org = useOrg();
  const { t } = useTranslation();
  const restore = useQuery({ ...restoreQuery(org, run.id), enabled: run.kind === "restore" });
  return (
    <>
      <PageHeader
        trail={
          <PageLink to="/o/$org/runs" params={{ org }}>
            {t("pages.runs")}
          </PageLink>
        }
        title={useRunName(run)}
        status={<StatusBadge status={runStatus(run)} />}
        description={<RunOrigin run={run} />}
        actions={<RunActs run={run} />}
      />
      <RunNotice run={run} />
      {isFinal(run.state) ? null : <RunProgressView run={run} />}
      {run.kind === "restore" ? (
        // What comes after it would jump when it is there: it comes with it.
        <QueryView query={restore} rows={12}>
          {(facts) => (
            <>
              <RestoreFacts restore={facts} />
              <RunSections run={run} />
            </>
          )}
        </QueryView>
      ) : (
        <RunSections run={run} />
      )}
    </>
  );
}

function RunSections({ run }: { run: RunDetail }) {
  const timeline = useQuery(timelineQuery(useOrg(), run.id));
  return (
    <>
      <RunResult run={run} />
      <RunTargets run={run} />
      <RunTimeline run={run} />
      {/* Below the timeline, whose length is not known before it is there. */}
      {run.warnings_total > 0 && !timeline.isPending ? <RunWarnings run={run} /> : null}
    </>
  );
}

/** Where it ran, why, and when. */
function RunOrigin({ run }: { run: RunDetail }) {
  const org = useOrg();
  const { t } = useTranslation();
  return (
    <>
      <PageLink to="/o/$org/agents/$agentId" params={{ org, agentId: run.agent_id }}>
        {run.agent_name}
      </PageLink>
      {" · "}
      {run.job_id === null ? null : (
        <>
          <PageLink to="/o/$org/jobs/$jobId" params={{ org, jobId: run.job_id }}>
            {t("runs.itsJob")}
          </PageLink>
          {" · "}
        </>
      )}
      {t(`triggers.${run.trigger}`)}
      {" · "}
      <RelativeTime at={run.started_at ?? run.created_at} />
    </>
  );
}
