import { useQueryClient } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";

import { ButtonLink } from "../../components/link";
import { DangerousAct, RenameAct } from "../../components/object-acts";
import { useOrg, useRights } from "../../lib/organization";
import { renameAgent, revokeAgent, type Agent } from "../../lib/queries/agents";

/** What one can do with an agent. */
export function AgentActs({ agent }: { agent: Agent }) {
  const org = useOrg();
  const { t } = useTranslation();
  const { operate, administer } = useRights();
  const client = useQueryClient();
  const renew = () => client.invalidateQueries({ queryKey: [org, "agents"] });
  return (
    <>
      <ButtonLink to="/o/$org/snapshots" params={{ org }} search={{ agent: agent.id }} variant="default">
        {t("pages.snapshots")}
      </ButtonLink>
      <ButtonLink to="/o/$org/jobs" params={{ org }} search={{ agent: agent.id }} variant="default">
        {t("pages.jobs")}
      </ButtonLink>
      {operate ? (
        <RenameAct
          title={t("agents.renameTitle")}
          name={agent.name}
          save={async (name) => {
            await renameAgent(org, agent, name);
            await renew();
          }}
        />
      ) : null}
      {administer && agent.state === "active" ? (
        <DangerousAct
          label={t("act.revoke")}
          title={t("agents.revokeTitle")}
          name={agent.name}
          act={async () => {
            await revokeAgent(org, agent.id);
            await renew();
          }}
        >
          {t("agents.revokeText")}
        </DangerousAct>
      ) : null}
    </>
  );
}
