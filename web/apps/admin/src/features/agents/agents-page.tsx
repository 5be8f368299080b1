import { Button } from "@mantine/core";
import { FacetChips, SearchField } from "@sbs/ui/facets";
import { EmptyState } from "@sbs/ui/states";
import { IconDeviceDesktop, IconKey, IconPlugConnectedX, IconPlus } from "@tabler/icons-react";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";

import { ButtonLink } from "../../components/link";
import type { BulkAct } from "../../components/list/bulk-acts";
import { ListPage } from "../../components/list/list-page";
import { useOrg, useRights } from "../../lib/organization";
import { agentsQuery, askAgents, revokeAgent, type Agent, type AgentFilter } from "../../lib/queries/agents";
import { useAgentColumns } from "./agent-columns";
import { EnrolDialog } from "./enrol-dialog";

const STATES = ["connected", "offline", "revoked"] as const;

export function AgentsPage() {
  const org = useOrg();
  const { t } = useTranslation();
  const { operate } = useRights();
  const { enrol, ...filter } = useSearch({ from: "/signed-in/o/$org/agents" });
  const navigate = useNavigate({ from: "/o/$org/agents" });
  const goTo = (search: AgentFilter) => void navigate({ search, replace: true });
  const change = (part: AgentFilter) => goTo({ ...filter, ...part });
  const dialog = (open: boolean) => void navigate({ search: { ...filter, enrol: open ? true : undefined } });
  const enrolButton = operate ? (
    <Button leftSection={<IconPlus size={16} aria-hidden />} onClick={() => dialog(true)}>
      {t("agents.enrol")}
    </Button>
  ) : undefined;

  return (
    <>
      <ListPage
        name="agents"
        title={t("pages.agents")}
        about={t("agents.about")}
        actions={
          <>
            <ButtonLink
              to="/o/$org/agents/tokens"
              params={{ org }}
              variant="default"
              leftSection={<IconKey size={16} aria-hidden />}
            >
              {t("tokens.title")}
            </ButtonLink>
            {enrolButton}
          </>
        }
        facets={
          <>
            <SearchField
              label={t("agents.search")}
              value={filter.q ?? ""}
              change={(q) => change({ q: q || undefined })}
            />
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
        list={agentsQuery(org, filter)}
        ask={(asked) => askAgents(org, asked)}
        columns={useAgentColumns()}
        ownSort="-created_at"
        nameOf={(agent) => agent.name}
        open={(agent) => void navigate({ to: "/o/$org/agents/$agentId", params: { org, agentId: agent.id } })}
        acts={useBulkActs()}
        empty={
          <EmptyState
            icon={IconDeviceDesktop}
            title={t("agents.none")}
            description={t("agents.noneText")}
            action={enrolButton}
          />
        }
      />
      <EnrolDialog opened={enrol === true && operate} close={() => dialog(false)} />
    </>
  );
}

function useBulkActs(): BulkAct<Agent>[] {
  const org = useOrg();
  const { t } = useTranslation();
  const { administer } = useRights();
  if (!administer) return [];
  return [
    {
      id: "revoke",
      label: t("act.revoke"),
      Icon: IconPlugConnectedX,
      fits: (agent) => agent.state === "active",
      act: (agent) => revokeAgent(org, agent.id),
      question: { title: t("agents.revokeManyTitle"), text: t("agents.revokeManyText"), typed: true },
    },
  ];
}
