import { useFormat } from "@sbs/ui/use-format";
import { Tooltip } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";

import { useOrg } from "../../lib/organization";
import type { Overview } from "../../lib/queries/overview";
import { FINAL_STATES } from "../../lib/queries/runs";
import styles from "./days-chart.module.css";

type Day = Overview["days"][number];

/** From the bottom up: what went well is the ground that the rest stands on. */
const STACK = [...FINAL_STATES, "running", "waiting"] as const;

const total = (day: Day) => STACK.reduce((sum, state) => sum + day.runs[state], 0);

/**
 * The runs of the last days, one bar a day; a bar leads to its runs.
 *
 * Fourteen bars need no library: as links they can be reached and read out one by one.
 */
export function DaysChart({ days }: { days: readonly Day[] }) {
  const { t } = useTranslation();
  const most = Math.max(1, ...days.map(total));
  const present = STACK.filter((state) => days.some((day) => day.runs[state] > 0));
  return (
    <div>
      <ol className={styles.chart}>
        {days.map((day) => (
          <Bar key={day.day} day={day} most={most} />
        ))}
      </ol>
      <ul className={styles.legend} aria-hidden>
        {present.map((state) => (
          <li key={state}>
            <span className={styles.key} data-state={state} />
            {t(`status.${state}`, { ns: "ui" })}
          </li>
        ))}
      </ul>
    </div>
  );
}

function Bar({ day, most }: { day: Day; most: number }) {
  const org = useOrg();
  const { t } = useTranslation();
  const format = useFormat();
  const date = format.day(new Date(`${day.day}T12:00:00`));
  const parts = STACK.filter((state) => day.runs[state] > 0);
  const words = parts.map(
    (state) => `${t(`status.${state}`, { ns: "ui" })}: ${format.count(day.runs[state])}`,
  );
  const said = parts.length === 0 ? t("overview.noRuns") : words.join(", ");
  return (
    <li>
      <Tooltip label={`${date}: ${said}`} multiline maw={300}>
        <Link to="/o/$org/runs" params={{ org }} search={{ day: day.day }} className={styles.day}>
          <span className={styles.stack}>
            {parts.map((state) => (
              <span
                key={state}
                data-state={state}
                className={styles.part}
                style={{ height: `max(3px, ${(day.runs[state] / most) * 100}%)` }}
              />
            ))}
          </span>
          <span className={styles.date} aria-hidden>
            {format.dayOfMonth(new Date(`${day.day}T12:00:00`))}
          </span>
          <span className="sbs-unseen">{`${date}: ${said}`}</span>
        </Link>
      </Tooltip>
    </li>
  );
}
