import { Bytes, Count, Duration } from "@sbs/ui/quantities";
import { ExactTime, useNow } from "@sbs/ui/relative-time";
import { Facts, Section } from "@sbs/ui/section";
import { CopyableId } from "@sbs/ui/copyable-id";
import { useTranslation } from "react-i18next";

import { resultNumber, runResult, runSeconds } from "../../components/run-bits";
import { isFinal, type RunDetail } from "../../lib/queries/runs";

/** What each kind of run counts, in the order in which it is read. */
const COUNTED = {
  backup: [
    ["files_new", "filesNew"],
    ["files_changed", "filesChanged"],
    ["files_unmodified", "filesSame"],
  ],
  restore: [
    ["files_restored", "filesRestored"],
    ["files_verified", "filesVerified"],
    ["files_skipped", "filesSkipped"],
    ["files_failed", "filesFailed"],
    ["owners_not_restored", "ownersNotRestored"],
  ],
} as const;
/** Said only where there are some: that nothing is wrong with owners is what one expects. */
const SAID_IF_ANY: readonly string[] = ["owners_not_restored"];
const MEASURED = {
  backup: [
    ["bytes_processed", "processed"],
    ["bytes_added", "added"],
    ["bytes_added_packed", "stored"],
  ],
  restore: [
    ["bytes_restored", "bytesRestored"],
    ["bytes_skipped", "bytesSkipped"],
  ],
} as const;

export function RunResult({ run }: { run: RunDetail }) {
  const { t } = useTranslation();
  const now = useNow();
  const result = runResult(run);
  const attempts = Math.max(1, run.attempt, ...run.attempts.map((attempt) => attempt.attempt));
  const counted = COUNTED[run.kind]
    .map(([member, name]) => ({ member, name, value: resultNumber(result, member) }))
    .filter(({ member, value }) => value !== null && (value > 0 || !SAID_IF_ANY.includes(member)))
    .map(({ name, value }) => ({ label: t(`results.${name}`), value: <Count value={value} /> }));
  const measured = MEASURED[run.kind]
    .map(([member, name]) => ({ name, value: resultNumber(result, member) }))
    .filter(({ value }) => value !== null)
    .map(({ name, value }) => ({ label: t(`results.${name}`), value: <Bytes value={value} /> }));
  return (
    <Section title={isFinal(run.state) ? t("runs.result") : t("runs.facts")}>
      <Facts
        items={[
          ...measured,
          ...counted,
          { label: t("runs.duration"), value: <Duration value={runSeconds(run, now)} /> },
          { label: t("runs.began"), value: <ExactTime at={run.started_at} /> },
          { label: t("runs.ended"), value: <ExactTime at={run.finished_at} /> },
          { label: t("runs.attempt"), value: <Count value={attempts} /> },
          { label: t("field.id"), value: <CopyableId id={run.id} /> },
        ]}
      />
    </Section>
  );
}
