import { RelativeTime } from "@sbs/ui/relative-time";
import { StatusBadge } from "@sbs/ui/status-badge";
import { useTranslation } from "react-i18next";

import { PageLink } from "../../components/link";
import type { ListColumn } from "../../components/list/list-columns";
import { useOrg } from "../../lib/organization";
import type { Agent } from "../../lib/queries/agents";
import { agentStatus, systemName } from "./agent-status";

export function useAgentColumns(): ListColumn<Agent>[] {
  const org = useOrg();
  const { t } = useTranslation();
  return [
    {
      id: "name",
      header: t("field.name"),
      sorts: ["name", "-name"],
      cell: (agent) => (
        <PageLink to="/o/$org/agents/$agentId" params={{ org, agentId: agent.id }} title={agent.name}>
          {agent.name}
        </PageLink>
      ),
      csv: (agent) => agent.name,
    },
    {
      id: "status",
      header: t("field.status"),
      width: "150px",
      cell: (agent) => <StatusBadge status={agentStatus(agent)} />,
      csv: (agent) => t(`status.${agentStatus(agent)}`, { ns: "ui" }),
    },
    {
      id: "host",
      minor: true,
      header: t("agents.hostname"),
      cell: (agent) => <span title={agent.hostname}>{agent.hostname}</span>,
      csv: (agent) => agent.hostname,
    },
    {
      id: "system",
      header: t("agents.system"),
      cell: (agent) => <span title={systemName(agent)}>{systemName(agent)}</span>,
      csv: systemName,
    },
    {
      id: "backup",
      header: t("agents.lastBackup"),
      width: "200px",
      cell: (agent) => <LastBackup agent={agent} />,
      csv: (agent) => (agent.last_backup ? t(`status.${agent.last_backup.state}`, { ns: "ui" }) : null),
    },
    {
      id: "backupAt",
      atFirst: false,
      header: t("agents.lastBackupAt"),
      width: "150px",
      cell: (agent) => <RelativeTime at={backupTime(agent)} />,
      csv: backupTime,
    },
    {
      id: "version",
      minor: true,
      header: t("agents.version"),
      width: "96px",
      cell: (agent) => agent.agent_version,
      csv: (agent) => agent.agent_version,
    },
    {
      id: "restic",
      atFirst: false,
      header: t("agents.resticVersion"),
      width: "96px",
      cell: (agent) => agent.restic_version ?? "–",
      csv: (agent) => agent.restic_version,
    },
    {
      id: "enrolled",
      atFirst: false,
      header: t("agents.enrolledAt"),
      sorts: ["-created_at", "created_at"],
      width: "150px",
      cell: (agent) => <RelativeTime at={agent.created_at} />,
      csv: (agent) => agent.created_at,
    },
    {
      id: "seen",
      header: t("agents.lastSeen"),
      sorts: ["-last_seen_at", "last_seen_at"],
      width: "164px",
      cell: (agent) => <RelativeTime at={agent.last_seen_at} />,
      csv: (agent) => agent.last_seen_at,
    },
  ];
}

/** When its last backup ended or, if it has not yet, was asked for. */
function backupTime({ last_backup: run }: Agent): string | null {
  return run ? (run.finished_at ?? run.created_at) : null;
}

function LastBackup({ agent: { last_backup: run } }: { agent: Agent }) {
  const org = useOrg();
  if (run === null || run === undefined) return "–";
  return (
    <PageLink to="/o/$org/runs/$runId" params={{ org, runId: run.id }}>
      <StatusBadge status={run.state} />
    </PageLink>
  );
}
