import { DataTable, type Column } from "@sbs/ui/data-table";
import { RelativeTime } from "@sbs/ui/relative-time";
import { StatusBadge } from "@sbs/ui/status-badge";
import { useNavigate } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";

import { PageLink } from "../../components/link";
import { useOrg } from "../../lib/organization";
import type { Agent } from "../../lib/queries/agents";
import { agentStatus, systemName } from "./agent-status";

interface Props {
  /** The filter behind the rows. */
  of?: unknown;
  rows: readonly Agent[];
  more: { load: () => void; loading: boolean } | undefined;
}

export function AgentsTable({ of, rows, more }: Props) {
  const org = useOrg();
  const { t } = useTranslation();
  const navigate = useNavigate();
  const columns: Column<Agent>[] = [
    {
      id: "name",
      header: t("field.name"),
      cell: (agent) => (
        <PageLink to="/o/$org/agents/$agentId" params={{ org, agentId: agent.id }}>
          {agent.name}
        </PageLink>
      ),
    },
    {
      id: "status",
      header: t("field.status"),
      width: "150px",
      cell: (agent) => <StatusBadge status={agentStatus(agent)} />,
    },
    {
      id: "host",
      minor: true,
      header: t("agents.hostname"),
      cell: (agent) => <span title={agent.hostname}>{agent.hostname}</span>,
    },
    {
      id: "system",
      header: t("agents.system"),
      cell: (agent) => <span title={systemName(agent)}>{systemName(agent)}</span>,
    },
    {
      id: "backup",
      header: t("agents.lastBackup"),
      width: "210px",
      cell: (agent) => <LastBackup org={org} agent={agent} />,
    },
    {
      id: "version",
      minor: true,
      header: t("agents.version"),
      width: "96px",
      cell: (agent) => agent.agent_version,
    },
    {
      id: "seen",
      header: t("agents.lastSeen"),
      width: "160px",
      cell: (agent) => <RelativeTime at={agent.last_seen_at} />,
    },
  ];
  return (
    <DataTable
      label={t("pages.agents")}
      columns={columns}
      rows={rows}
      of={of}
      rowKey={(agent) => agent.id}
      open={(agent) => void navigate({ to: "/o/$org/agents/$agentId", params: { org, agentId: agent.id } })}
      more={more}
    />
  );
}

function LastBackup({ org, agent }: { org: string; agent: Agent }) {
  const run = agent.last_backup;
  if (run === null || run === undefined) return "–";
  return (
    <PageLink to="/o/$org/runs/$runId" params={{ org, runId: run.id }}>
      <StatusBadge status={run.state} />
    </PageLink>
  );
}
