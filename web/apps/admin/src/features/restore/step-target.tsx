import { Checkbox, Radio, Stack, TextInput } from "@mantine/core";
import { Notice } from "@sbs/ui/states";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";

import { QueryView } from "../../components/query-view";
import { useOrg } from "../../lib/organization";
import { agentQuery, type Agent } from "../../lib/queries/agents";
import { POLICIES } from "../../lib/queries/restores";
import { snapshotQuery } from "../../lib/queries/snapshots";
import type { StepProps } from "./restore-page";
import { RestoringMachine } from "./restoring-machine";

/** A path of each kind of system: the same in every language. */
const EXAMPLES = { windows: "C:\\Restored", posix: "/home/user/restored" };

/** Which machine, where to, and what about files that are already there. */
export function StepTarget(props: StepProps) {
  const org = useOrg();
  const { snapshotId, agentId } = props.draft;
  const snapshot = useQuery({ ...snapshotQuery(org, snapshotId ?? ""), enabled: snapshotId !== null });
  const agent = useQuery({
    ...agentQuery(org, agentId ?? ""),
    enabled: agentId !== null,
    // Who chooses another machine keeps the form under their hands.
    placeholderData: keepPreviousData,
  });
  return (
    <QueryView query={snapshot} rows={10}>
      {({ agent_name: source }) => (
        <QueryView query={agent} rows={10}>
          {(machine) => (
            <Stack gap="md">
              <MachineTrouble agent={machine} />
              <RestoringMachine {...props} agent={machine} source={source} />
              <Target {...props} agent={machine} />
            </Stack>
          )}
        </QueryView>
      )}
    </QueryView>
  );
}

/** Why this machine can't restore, or not now. */
function MachineTrouble({ agent }: { agent: Agent }) {
  const { t } = useTranslation();
  if (agent.state === "revoked") {
    return (
      <Notice tone="warning" title={t("restore.machineRevoked", { name: agent.name })}>
        {t("restore.machineRevokedText")}
      </Notice>
    );
  }
  if (agent.connected) return null;
  return (
    <Notice tone="warning" title={t("restore.machineAway", { name: agent.name })}>
      {t("restore.machineAwayText")}
    </Notice>
  );
}

function Target({ draft, set, refusal, agent }: StepProps & { agent: Agent }) {
  const { t } = useTranslation();
  const isWindows = agent.os.toLowerCase() === "windows";
  return (
    <>
      <TextInput
        label={t("restore.targetOn", { name: agent.name })}
        description={t("restore.targetHint")}
        placeholder={isWindows ? EXAMPLES.windows : EXAMPLES.posix}
        value={draft.target}
        onChange={(event) => set({ target: event.currentTarget.value })}
        error={refusal?.field("/target_folder")}
        spellCheck={false}
        classNames={{ input: "sbs-mono" }}
      />
      <Radio.Group
        label={t("restore.policyAsk")}
        value={draft.policy}
        onChange={(value) => {
          const policy = POLICIES.find((option) => option === value);
          if (policy !== undefined) set({ policy });
        }}
        error={refusal?.field("/policy")}
      >
        <Stack gap="xs" mt={6}>
          {POLICIES.map((policy) => (
            <Radio
              key={policy}
              value={policy}
              label={t(`policy.${policy}.name`)}
              description={t(`policy.${policy}.text`)}
            />
          ))}
        </Stack>
      </Radio.Group>
      <Checkbox
        label={t("restore.verifyAsk")}
        description={t("restore.verifyHint")}
        checked={draft.verify}
        onChange={(event) => set({ verify: event.currentTarget.checked })}
      />
    </>
  );
}
