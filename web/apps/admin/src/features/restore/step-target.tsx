import { Checkbox, Radio, Stack, TextInput } from "@mantine/core";
import { Notice } from "@sbs/ui/states";
import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";

import { useOrg } from "../../lib/organization";
import { agentQuery } from "../../lib/queries/agents";
import { POLICIES } from "../../lib/queries/restores";
import type { StepProps } from "./restore-page";

/** A path of each kind of system: the same in every language. */
const EXAMPLES = { windows: "C:\\Restored", posix: "/home/user/restored" };

/** Where to, and what about files that are already there. */
export function StepTarget({ draft, set, refusal }: StepProps) {
  const org = useOrg();
  const { t } = useTranslation();
  const agent = useQuery({ ...agentQuery(org, draft.agentId ?? ""), enabled: draft.agentId !== null }).data;
  const isWindows = agent?.os.toLowerCase() === "windows";
  return (
    <Stack gap="md">
      {agent === undefined || agent.connected ? null : (
        <Notice tone="warning" title={t("restore.machineAway", { name: agent.name })}>
          {t("restore.machineAwayText")}
        </Notice>
      )}
      <TextInput
        label={t("restore.targetOn", { name: agent?.name ?? "…" })}
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
    </Stack>
  );
}
