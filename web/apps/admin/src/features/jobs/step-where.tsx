import { Stack } from "@mantine/core";
import { useTranslation } from "react-i18next";

import { AgentsPicker, RepositoriesPicker } from "../../components/object-picker";
import type { StepProps } from "./job-wizard";

/** Which machines, and where to. */
export function StepWhere({ draft, set, refusal }: StepProps) {
  const { t } = useTranslation();
  return (
    <Stack gap="md">
      <AgentsPicker
        label={t("pages.agents")}
        description={t("jobs.agentsHint")}
        value={draft.agents}
        change={(agents) => set({ agents })}
        error={refusal?.field("/agent_ids")}
      />
      <RepositoriesPicker
        label={t("pages.repositories")}
        description={t("jobs.repositoriesHint")}
        value={draft.repositories}
        change={(repositories) => set({ repositories })}
        error={refusal?.field("/repository_ids")}
      />
    </Stack>
  );
}
