import { Chip, Group, NumberInput, Select, Stack, TextInput } from "@mantine/core";
import { useTranslation } from "react-i18next";

import { toCron, WEEKDAYS, type Schedule, type Weekday } from "../../lib/schedule";

type Mode = Schedule["mode"];

const MODES: readonly Mode[] = ["days", "monthly", "cron", "manual"];

interface Props {
  schedule: Schedule;
  change: (schedule: Schedule) => void;
  error?: string | undefined;
}

export function ScheduleEditor({ schedule, change, error }: Props) {
  const { t } = useTranslation();
  return (
    <Stack gap="md">
      <Select
        label={t("jobs.schedule")}
        data={MODES.map((mode) => ({ value: mode, label: t(`modes.${mode}`) }))}
        value={schedule.mode}
        onChange={(value) => {
          const mode = MODES.find((option) => option === value);
          if (mode !== undefined) change(inMode(schedule, mode));
        }}
        maw={320}
      />
      {schedule.mode === "days" ? (
        <Days days={schedule.days} change={(days) => change({ ...schedule, days })} error={error} />
      ) : null}
      {schedule.mode === "monthly" ? (
        <NumberInput
          label={t("jobs.dayOfMonth")}
          description={t("jobs.dayOfMonthHint")}
          value={schedule.day}
          onChange={(value) => change({ ...schedule, day: Number(value) || 1 })}
          error={error}
          min={1}
          max={31}
          allowDecimal={false}
          maw={320}
        />
      ) : null}
      {schedule.mode === "days" || schedule.mode === "monthly" ? (
        <TextInput
          type="time"
          label={t("jobs.time")}
          value={schedule.time}
          onChange={(event) => change({ ...schedule, time: event.currentTarget.value })}
          maw={140}
        />
      ) : null}
      {schedule.mode === "cron" ? (
        <TextInput
          label={t("jobs.cron")}
          description={t("jobs.cronHint")}
          value={schedule.cron}
          onChange={(event) => change({ mode: "cron", cron: event.currentTarget.value })}
          error={error}
          spellCheck={false}
          classNames={{ input: "sbs-mono" }}
          maw={320}
        />
      ) : null}
    </Stack>
  );
}

interface DaysProps {
  days: readonly Weekday[];
  change: (days: readonly Weekday[]) => void;
  error?: string | undefined;
}

function Days({ days, change, error }: DaysProps) {
  const { t } = useTranslation();
  return (
    <div>
      <Group gap={6} role="group" aria-label={t("jobs.days")}>
        {WEEKDAYS.map((day) => (
          <Chip
            key={day}
            size="sm"
            checked={days.includes(day)}
            onChange={(on) => change(WEEKDAYS.filter((each) => (each === day ? on : days.includes(each))))}
          >
            {t(`days.${day}`)}
          </Chip>
        ))}
      </Group>
      {error === undefined ? null : <p style={{ color: "var(--sbs-failed)", margin: "6px 0 0" }}>{error}</p>}
    </div>
  );
}

/** The schedule in another form; what both forms have stays. */
function inMode(schedule: Schedule, mode: Mode): Schedule {
  const time = "time" in schedule ? schedule.time : "02:00";
  switch (mode) {
    case "manual":
      return { mode };
    case "days":
      return { mode, days: WEEKDAYS, time };
    case "monthly":
      return { mode, day: 1, time };
    case "cron":
      return { mode, cron: toCron(schedule) ?? "0 2 * * *" };
  }
}
