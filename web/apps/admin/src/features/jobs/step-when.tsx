import { Checkbox, NumberInput, Select, Stack } from "@mantine/core";
import { useTranslation } from "react-i18next";

import type { StepProps } from "./job-wizard";
import { ScheduleEditor } from "./schedule-editor";
import { SchedulePreview } from "./schedule-preview";
import styles from "./step-when.module.css";

const ZONES = Intl.supportedValuesOf("timeZone");
/** What "keep" begins with where nothing was chosen yet. */
const USUAL_KEEP = 30;

/** When, and how much of it is kept. */
export function StepWhen({ draft, set, refusal }: StepProps) {
  const { t } = useTranslation();
  const zones = ZONES.includes(draft.timeZone) ? ZONES : [draft.timeZone, ...ZONES];
  const isScheduled = draft.schedule.mode !== "manual";
  return (
    <div className={styles.columns}>
      <Stack gap="md">
        <ScheduleEditor
          schedule={draft.schedule}
          change={(schedule) => set({ schedule })}
          error={refusal?.field("/cron")}
        />
        {isScheduled ? (
          <Select
            label={t("jobs.timeZone")}
            data={zones}
            value={draft.timeZone}
            onChange={(timeZone) => timeZone !== null && set({ timeZone })}
            error={refusal?.field("/time_zone")}
            searchable
            maw={320}
          />
        ) : null}
        <div>
          <Checkbox
            label={t("jobs.keepOnly")}
            checked={draft.keepLast !== null}
            onChange={(event) => set({ keepLast: event.currentTarget.checked ? USUAL_KEEP : null })}
            mb="xs"
          />
          {draft.keepLast === null ? null : (
            <NumberInput
              aria-label={t("jobs.keepCount")}
              description={t("jobs.keepHint")}
              value={draft.keepLast}
              onChange={(value) => set({ keepLast: Number(value) || 1 })}
              error={refusal?.field("/keep_last")}
              min={1}
              max={10_000}
              allowDecimal={false}
              maw={340}
              inputWrapperOrder={["input", "description", "error"]}
            />
          )}
        </div>
      </Stack>
      <SchedulePreview schedule={draft.schedule} timeZone={draft.timeZone} />
    </div>
  );
}
