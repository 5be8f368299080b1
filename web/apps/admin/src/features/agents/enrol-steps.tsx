import { Button, Group, Loader, Stack } from "@mantine/core";
import { CopyLine, Secret } from "@sbs/ui/secret";
import { IconCircleCheck } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import { PageLink } from "../../components/link";
import type { Schemas } from "../../lib/api";
import { useOrg } from "../../lib/organization";
import { agentsQuery, tokenQuery, type Agent } from "../../lib/queries/agents";
import { usePages } from "../../lib/queries/pages";
import styles from "./enrol-steps.module.css";

interface Props {
  created: Schemas["EnrolmentTokenCreated"];
  close: () => void;
}

/** What to do on the machine, and what has come of it. */
export function EnrolSteps({ created, close }: Props) {
  const org = useOrg();
  const { t } = useTranslation();
  const arrived = useArrived(created.created_at);
  const used = useQuery(tokenQuery(org, created.id)).data?.used_count ?? 0;
  return (
    <Stack gap="md">
      <ol className={styles.steps}>
        <li>
          <p>{t("agents.stepToken")}</p>
          {/* A repeated answer has no token: it was shown the first time. */}
          <Secret value={created.token ?? "–"} label={t("agents.token")} />
        </li>
        <li>
          <p>{t("agents.stepCommand")}</p>
          <CopyLine value={created.command ?? ""} label={t("agents.command")} />
        </li>
        <li>
          <p>{t("agents.stepRun")}</p>
          <CopyLine value="sbs-agent service install" label={t("agents.command")} />
          <p className={styles.aside}>{t("agents.stepNoRoot")}</p>
        </li>
      </ol>
      <div className={styles.arrivals} role="status">
        {arrived.map((agent) => (
          <Arrival key={agent.id} agent={agent} />
        ))}
        {used < created.max_uses ? (
          <p className={styles.waiting}>
            <Loader size={16} aria-hidden />
            {arrived.length === 0
              ? t("agents.waiting")
              : t("agents.waitingMore", { count: created.max_uses - used })}
          </p>
        ) : null}
      </div>
      <Group justify="flex-end">
        <Button onClick={close}>{t("act.done")}</Button>
      </Group>
    </Stack>
  );
}

function Arrival({ agent }: { agent: Agent }) {
  const org = useOrg();
  const { t } = useTranslation();
  return (
    <p className={styles.arrival} data-connected={agent.connected}>
      {agent.connected ? <IconCircleCheck size={18} aria-hidden /> : <Loader size={16} aria-hidden />}
      <PageLink to="/o/$org/agents/$agentId" params={{ org, agentId: agent.id }}>
        {agent.name}
      </PageLink>
      {agent.connected ? t("agents.connectedNow") : t("agents.enrolledNotConnected")}
    </p>
  );
}

/** Agents that have come since the token was made. The live stream keeps the list up to date. */
function useArrived(since: string): Agent[] {
  const org = useOrg();
  const [start] = useState(() => new Date(since).getTime());
  const { rows } = usePages(agentsQuery(org, { sort: "-created_at" }));
  return rows.filter((agent) => new Date(agent.created_at).getTime() >= start);
}
