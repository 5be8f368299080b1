import { Checkbox } from "@mantine/core";
import { Notice } from "@sbs/ui/states";
import { useTranslation } from "react-i18next";

import { AgentPicker } from "../../components/object-picker";
import { useRights } from "../../lib/organization";
import type { Agent } from "../../lib/queries/agents";
import { isElsewhere } from "./restore-draft";
import type { StepProps } from "./restore-page";

interface Props extends StepProps {
  /** The one that restores. */
  agent: Agent;
  /** The name of the one that the snapshot was taken from. */
  source: string;
}

/** Which machine restores: the snapshot's own or, if an administrator says that it may, another one. */
export function RestoringMachine({ draft, set, refusal, agent, source }: Props) {
  const { t } = useTranslation();
  const { administer } = useRights();
  const names = { name: agent.name, source };
  return (
    <>
      <AgentPicker
        label={t("restore.machine")}
        description={t(administer ? "restore.machineHint" : "restore.machineNotYours", names)}
        value={agent}
        change={(agentId) => set({ agentId, isAllowed: false })}
        error={refusal?.field("/agent_id")}
        disabled={!administer}
      />
      {isElsewhere(draft) ? (
        <Notice tone="warning" title={t("restore.elsewhere", names)}>
          <Checkbox
            label={t("restore.allow", names)}
            checked={draft.isAllowed}
            onChange={(event) => set({ isAllowed: event.currentTarget.checked })}
          />
        </Notice>
      ) : null}
    </>
  );
}
