import { Section } from "@sbs/ui/section";
import { useNow } from "@sbs/ui/relative-time";
import { useFormat } from "@sbs/ui/use-format";
import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";

import { QueryView } from "../../components/query-view";
import { useOrg } from "../../lib/organization";
import { timelineQuery, type RunDetail, type Timeline } from "../../lib/queries/runs";
import styles from "./run-timeline.module.css";

type Step = Timeline["steps"][number];

/** The steps of a run with their durations, drawn on one scale. */
export function RunTimeline({ run }: { run: RunDetail }) {
  const org = useOrg();
  const { t } = useTranslation();
  const query = useQuery(timelineQuery(org, run.id));
  return (
    <Section title={t("runs.timeline")}>
      <QueryView query={query}>{(timeline) => <Steps steps={timeline.steps} />}</QueryView>
    </Section>
  );
}

function Steps({ steps }: { steps: readonly Step[] }) {
  const now = useNow();
  const begin = Math.min(...steps.map((step) => Date.parse(step.started_at)));
  const ends = steps.map((step) => (step.finished_at === null ? now : Date.parse(step.finished_at)));
  const span = Math.max(1, Math.max(...ends) - begin);
  const repositories = new Set(steps.map((step) => step.repository_name).filter(Boolean));
  return (
    <ol className={styles.steps}>
      {steps.map((step, index) => {
        const from = (Date.parse(step.started_at) - begin) / span;
        const width = ((ends[index] ?? now) - Date.parse(step.started_at)) / span;
        return (
          <StepLine
            key={`${step.code}-${index}`}
            step={step}
            from={from}
            width={width}
            named={repositories.size > 1}
            error={newError(steps, index)}
          />
        );
      })}
    </ol>
  );
}

/** Why a step failed; of the end only what no step before it has said. */
function newError(steps: readonly Step[], index: number): string | null {
  const { error } = steps[index] ?? {};
  if (error === null || error === undefined) return null;
  const wasSaid = steps.slice(0, index).some((step) => step.error?.message === error.message);
  return steps[index]?.code === "finished" && wasSaid ? null : error.message;
}

interface LineProps {
  step: Step;
  error: string | null;
  /** Begin and length as parts of the whole run. */
  from: number;
  width: number;
  /** Whether the repository has to be said. */
  named: boolean;
}

function StepLine({ step, error, from, width, named }: LineProps) {
  const { t } = useTranslation();
  const format = useFormat();
  const now = useNow();
  const seconds = step.duration_s ?? (now - Date.parse(step.started_at)) / 1000;
  const name = [
    step.label.message,
    named ? step.repository_name : null,
    (step.attempt ?? 1) > 1 ? t("runs.attemptNumber", { number: step.attempt }) : null,
  ]
    .filter(Boolean)
    .join(" · ");
  return (
    <li className={styles.step} data-outcome={step.outcome}>
      <span className={styles.name} title={error ?? undefined}>
        {name}
      </span>
      <span className={styles.track} aria-hidden>
        <span
          className={styles.bar}
          style={{ marginLeft: `${Math.min(from * 100, 99.5)}%`, width: `${Math.max(width * 100, 0.5)}%` }}
        />
      </span>
      <span className={`${styles.time} sbs-number`}>
        {step.outcome === "ongoing" ? t("runs.ongoing") : ""}{" "}
        {step.code === "finished" ? format.clock(new Date(step.started_at)) : format.duration(seconds)}
      </span>
      {error === null ? null : <p className={styles.error}>{error}</p>}
    </li>
  );
}
