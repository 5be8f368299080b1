import { Bytes, Count, Duration } from "@sbs/ui/quantities";
import { RelativeTime, useNow } from "@sbs/ui/relative-time";
import { StatusBadge } from "@sbs/ui/status-badge";
import type { TFunction } from "i18next";
import { useTranslation } from "react-i18next";

import { useOrg } from "../lib/organization";
import type { Run } from "../lib/queries/runs";
import { PageLink } from "./link";
import type { ListColumn } from "./list/list-columns";
import { RunLink, runName, runSeconds, runStatus } from "./run-bits";

export function useRunColumns(): ListColumn<Run>[] {
  const org = useOrg();
  const { t } = useTranslation();
  const now = useNow();
  return [
    {
      id: "run",
      header: t("runs.run"),
      cell: (run) => <RunLink run={run} />,
      csv: (run) => runName(run, t),
    },
    {
      id: "agent",
      header: t("field.agent"),
      width: "12%",
      cell: (run) => (
        <PageLink to="/o/$org/agents/$agentId" params={{ org, agentId: run.agent_id }} title={run.agent_name}>
          {run.agent_name}
        </PageLink>
      ),
      csv: (run) => run.agent_name,
    },
    {
      id: "status",
      header: t("field.status"),
      width: "198px",
      cell: (run) => <StatusBadge status={runStatus(run)} />,
      csv: (run) => t(`status.${runStatus(run)}`, { ns: "ui" }),
    },
    {
      id: "asked",
      header: t("runs.asked"),
      sorts: ["-created_at", "created_at"],
      width: "144px",
      cell: (run) => <RelativeTime at={run.created_at} />,
      csv: (run) => run.created_at,
    },
    {
      id: "started",
      atFirst: false,
      header: t("runs.began"),
      width: "128px",
      cell: (run) => <RelativeTime at={run.started_at} />,
      csv: (run) => run.started_at,
    },
    {
      id: "duration",
      header: t("runs.duration"),
      csvHeader: t("list.inSeconds", { what: t("runs.duration") }),
      numeric: true,
      width: "112px",
      cell: (run) => <Duration value={runSeconds(run, now)} />,
      csv: (run) => (run.finished_at === null ? null : runSeconds(run, now)),
    },
    ...sizes(t),
    ...details(t),
  ];
}

function sizes(t: TFunction): ListColumn<Run>[] {
  return [
    {
      id: "processed",
      minor: true,
      header: t("results.processed"),
      csvHeader: t("list.inBytes", { what: t("results.processed") }),
      numeric: true,
      width: "104px",
      cell: (run) => <Bytes value={run.bytes_processed} />,
      csv: (run) => run.bytes_processed,
    },
    {
      id: "added",
      minor: true,
      header: t("results.added"),
      csvHeader: t("list.inBytes", { what: t("results.added") }),
      numeric: true,
      width: "104px",
      cell: (run) => <Bytes value={run.bytes_added} />,
      csv: (run) => run.bytes_added,
    },
  ];
}

function details(t: TFunction): ListColumn<Run>[] {
  return [
    {
      id: "warnings",
      atFirst: false,
      header: t("runs.warningsShort"),
      numeric: true,
      width: "140px",
      cell: (run) => (run.warnings_total === 0 ? "–" : <Count value={run.warnings_total} />),
      csv: (run) => run.warnings_total,
    },
    {
      id: "trigger",
      atFirst: false,
      header: t("runs.trigger"),
      width: "120px",
      cell: (run) => t(`triggers.${run.trigger}`),
      csv: (run) => t(`triggers.${run.trigger}`),
    },
    {
      id: "reason",
      minor: true,
      header: t("runs.reason"),
      width: "12%",
      cell: (run) => <span title={run.error?.message}>{run.error?.message ?? "–"}</span>,
      csv: (run) => run.error?.message,
    },
  ];
}
