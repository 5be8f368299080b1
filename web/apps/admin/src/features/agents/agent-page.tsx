import { PageHeader } from "@sbs/ui/page-header";
import { RelativeTime } from "@sbs/ui/relative-time";
import { Facts, Section } from "@sbs/ui/section";
import { Notice } from "@sbs/ui/states";
import { StatusBadge } from "@sbs/ui/status-badge";
import { CopyableId } from "@sbs/ui/copyable-id";
import { useFormat } from "@sbs/ui/use-format";
import { useQuery } from "@tanstack/react-query";
import { useParams } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";

import { LastRuns } from "../../components/last-runs";
import { PageLink } from "../../components/link";
import { QueryView } from "../../components/query-view";
import { useOrg } from "../../lib/organization";
import { agentQuery, type Agent } from "../../lib/queries/agents";
import { AgentActs } from "./agent-acts";
import { agentStatus, systemName } from "./agent-status";

export function AgentPage() {
  const org = useOrg();
  const { agentId } = useParams({ from: "/signed-in/o/$org/agents/$agentId" });
  const query = useQuery(agentQuery(org, agentId));
  return <QueryView query={query}>{(agent) => <AgentView agent={agent} />}</QueryView>;
}

function AgentView({ agent }: { agent: Agent }) {
  const org = useOrg();
  const { t } = useTranslation();
  return (
    <>
      <PageHeader
        trail={
          <PageLink to="/o/$org/agents" params={{ org }}>
            {t("pages.agents")}
          </PageLink>
        }
        title={agent.name}
        status={<StatusBadge status={agentStatus(agent)} />}
        description={`${agent.hostname} · ${systemName(agent)}`}
        actions={<AgentActs agent={agent} />}
      />
      <AgentTrouble agent={agent} />
      <AgentFacts agent={agent} />
      <LastRuns of={{ agent: agent.id }} />
    </>
  );
}

/** What is wrong, since when, and what to do about it. */
function AgentTrouble({ agent }: { agent: Agent }) {
  const { t } = useTranslation();
  const format = useFormat();
  if (agent.state === "revoked") {
    const since = agent.revoked_at === null ? "–" : format.exact(new Date(agent.revoked_at));
    return (
      <Notice tone="quiet" title={t("agents.revokedSince", { time: since })}>
        {t("agents.revokedText")}
      </Notice>
    );
  }
  if (agent.restic_version === null && agent.last_seen_at !== null) {
    return (
      <Notice tone="failed" title={t("agents.noRestic")}>
        <p>{agent.restic_problem ?? t("agents.noResticText")}</p>
      </Notice>
    );
  }
  if (agent.connected) return null;
  if (agent.last_seen_at === null) {
    return (
      <Notice tone="warning" title={t("agents.neverConnected")}>
        {t("agents.neverConnectedText")}
      </Notice>
    );
  }
  return (
    <Notice
      tone="warning"
      title={t("agents.offlineSince", { time: format.exact(new Date(agent.last_seen_at)) })}
    >
      {t("agents.offlineText")}
    </Notice>
  );
}

function AgentFacts({ agent }: { agent: Agent }) {
  const { t } = useTranslation();
  return (
    <Section title={t("agents.facts")}>
      <Facts
        items={[
          { label: t("agents.hostname"), value: agent.hostname },
          { label: t("agents.system"), value: systemName(agent) },
          { label: t("agents.lastSeen"), value: <RelativeTime at={agent.last_seen_at} /> },
          { label: t("agents.enrolledAt"), value: <RelativeTime at={agent.created_at} /> },
          { label: t("agents.version"), value: agent.agent_version },
          { label: t("agents.resticVersion"), value: agent.restic_version ?? "–" },
          { label: t("agents.protocol"), value: agent.protocol_version },
          { label: t("agents.certificate"), value: <RelativeTime at={agent.certificate_not_after} /> },
          { label: t("agents.capabilities"), value: agent.capabilities.join(", ") || "–" },
          { label: t("field.id"), value: <CopyableId id={agent.id} /> },
        ]}
      />
    </Section>
  );
}
