import { SegmentedControl, Stack, Textarea, TextInput, Text } from "@mantine/core";
import { useTranslation } from "react-i18next";

import type { StepProps } from "./job-wizard";

const COMPRESSIONS = ["auto", "off", "max"] as const;

/** What is backed up. */
export function StepWhat({ draft, set, refusal }: StepProps) {
  const { t } = useTranslation();
  return (
    <Stack gap="md">
      <TextInput
        label={t("field.name")}
        value={draft.name}
        onChange={(event) => set({ name: event.currentTarget.value })}
        error={refusal?.field("/name")}
        maw={420}
      />
      <Textarea
        label={t("jobs.sources")}
        description={t("jobs.sourcesHint")}
        value={draft.sources}
        onChange={(event) => set({ sources: event.currentTarget.value })}
        error={refusal?.field("/sources")}
        rows={4}
        spellCheck={false}
        classNames={{ input: "sbs-mono" }}
      />
      <Textarea
        label={t("jobs.excludes")}
        description={t("jobs.excludesHint")}
        value={draft.excludes}
        onChange={(event) => set({ excludes: event.currentTarget.value })}
        error={refusal?.field("/excludes")}
        rows={3}
        spellCheck={false}
        classNames={{ input: "sbs-mono" }}
      />
      <Textarea
        label={t("jobs.includes")}
        description={t("jobs.includesHint")}
        value={draft.includes}
        onChange={(event) => set({ includes: event.currentTarget.value })}
        error={refusal?.field("/includes")}
        rows={2}
        spellCheck={false}
        classNames={{ input: "sbs-mono" }}
      />
      <div>
        <Text fw={500} mb={3} id="compression">
          {t("jobs.compression")}
        </Text>
        <SegmentedControl
          aria-labelledby="compression"
          value={draft.compression}
          onChange={(value) => {
            const chosen = COMPRESSIONS.find((option) => option === value);
            if (chosen !== undefined) set({ compression: chosen });
          }}
          data={COMPRESSIONS.map((value) => ({ value, label: t(`compression.${value}`) }))}
        />
      </div>
    </Stack>
  );
}
