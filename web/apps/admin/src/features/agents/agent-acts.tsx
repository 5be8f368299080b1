import { Button } from "@mantine/core";
import { ConfirmDangerous } from "@sbs/ui/confirm-dangerous";
import { IconPencil } from "@tabler/icons-react";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import { ButtonLink } from "../../components/link";
import { ProblemView } from "../../components/problem-view";
import { RenameDialog } from "../../components/rename-dialog";
import { useOrg, useRights } from "../../lib/organization";
import { renameAgent, revokeAgent, type Agent } from "../../lib/queries/agents";

/** What one can do with an agent. */
export function AgentActs({ agent }: { agent: Agent }) {
  const org = useOrg();
  const { t } = useTranslation();
  const { operate, administer } = useRights();
  const client = useQueryClient();
  const [dialog, show] = useState<"rename" | "revoke" | null>(null);
  const close = () => show(null);
  const renew = () => client.invalidateQueries({ queryKey: [org, "agents"] });
  const revoking = useMutation({
    mutationFn: () => revokeAgent(org, agent.id),
    onSuccess: async () => {
      await renew();
      close();
    },
  });
  const isActive = agent.state === "active";

  return (
    <>
      <ButtonLink to="/o/$org/snapshots" params={{ org }} search={{ agent: agent.id }} variant="default">
        {t("pages.snapshots")}
      </ButtonLink>
      <ButtonLink to="/o/$org/jobs" params={{ org }} search={{ agent: agent.id }} variant="default">
        {t("pages.jobs")}
      </ButtonLink>
      {operate ? (
        <Button
          variant="default"
          leftSection={<IconPencil size={16} aria-hidden />}
          onClick={() => show("rename")}
        >
          {t("act.rename")}
        </Button>
      ) : null}
      {administer && isActive ? (
        <Button variant="outline" color="red" onClick={() => show("revoke")}>
          {t("act.revoke")}
        </Button>
      ) : null}
      <RenameDialog
        opened={dialog === "rename"}
        close={close}
        title={t("agents.renameTitle")}
        label={t("field.name")}
        initial={agent.name}
        save={async (name) => {
          await renameAgent(org, agent, name);
          await renew();
        }}
      />
      <ConfirmDangerous
        opened={dialog === "revoke"}
        close={close}
        title={t("agents.revokeTitle")}
        name={agent.name}
        act={t("act.revoke")}
        confirm={() => revoking.mutate()}
        busy={revoking.isPending}
        error={revoking.isError ? <ProblemView error={revoking.error} /> : null}
      >
        {t("agents.revokeText")}
      </ConfirmDangerous>
    </>
  );
}
