import { DataTable, type Column } from "@sbs/ui/data-table";
import { Count, Duration } from "@sbs/ui/quantities";
import { RelativeTime, useNow } from "@sbs/ui/relative-time";
import { StatusBadge } from "@sbs/ui/status-badge";
import { useNavigate } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";

import { useOrg } from "../lib/organization";
import type { Run } from "../lib/queries/runs";
import { PageLink } from "./link";
import { RunLink, runSeconds, runStatus } from "./run-bits";

interface Props {
  /** The filter behind the rows. */
  of?: unknown;
  rows: readonly Run[];
  more?: { load: () => void; loading: boolean } | undefined;
  /** Fewer columns, where there is less room. */
  short?: boolean;
}

export function RunsTable({ of, rows, more, short = false }: Props) {
  const org = useOrg();
  const { t } = useTranslation();
  const navigate = useNavigate();
  const now = useNow();
  const columns: Column<Run>[] = [
    { id: "run", header: t("runs.run"), width: "20%", cell: (run) => <RunLink run={run} /> },
    {
      id: "agent",
      header: t("field.agent"),
      width: "12%",
      cell: (run) => (
        <PageLink to="/o/$org/agents/$agentId" params={{ org, agentId: run.agent_id }}>
          {run.agent_name}
        </PageLink>
      ),
    },
    {
      id: "status",
      header: t("field.status"),
      width: "184px",
      cell: (run) => <StatusBadge status={runStatus(run)} />,
    },
    {
      id: "started",
      header: t("runs.began"),
      width: "136px",
      cell: (run) => <RelativeTime at={run.started_at ?? run.created_at} />,
    },
    {
      id: "duration",
      header: t("runs.duration"),
      numeric: true,
      width: "116px",
      cell: (run) => <Duration value={runSeconds(run, now)} />,
    },
    ...(short ? [] : longColumns(t)),
  ];
  return (
    <DataTable
      label={t("pages.runs")}
      columns={columns}
      rows={rows}
      of={of}
      rowKey={(run) => run.id}
      open={(run) => void navigate({ to: "/o/$org/runs/$runId", params: { org, runId: run.id } })}
      more={more}
    />
  );
}

function longColumns(t: ReturnType<typeof useTranslation>["t"]): Column<Run>[] {
  return [
    {
      id: "warnings",
      minor: true,
      header: t("runs.warningsShort"),
      numeric: true,
      width: "110px",
      cell: (run) => (run.warnings_total === 0 ? "–" : <Count value={run.warnings_total} />),
    },
    {
      id: "trigger",
      minor: true,
      header: t("runs.trigger"),
      width: "104px",
      cell: (run) => t(`triggers.${run.trigger}`),
    },
    {
      id: "reason",
      minor: true,
      header: t("runs.reason"),
      cell: (run) => <span title={run.error?.message}>{run.error?.message ?? "–"}</span>,
    },
  ];
}
