import { useDebouncedValue } from "@mantine/hooks";
import { formatter } from "@sbs/ui/format";
import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";

import { cronSentence } from "../../lib/cron-sentence";
import { useOrg } from "../../lib/organization";
import { isProblem } from "../../lib/problem";
import { schedulePreviewQuery } from "../../lib/queries/jobs";
import { toCron, type Schedule } from "../../lib/schedule";
import { useLanguage } from "../../lib/use-language";
import styles from "./step-when.module.css";

interface Props {
  schedule: Schedule;
  timeZone: string;
}

/** What the server says is wrong with it; null: it did not answer. */
function refusalOf(error: unknown): string | null {
  if (!isProblem(error)) return null;
  return error.field("/cron") ?? error.field("/time_zone") ?? error.message;
}

/** The schedule as a sentence and its next runs, as the server reckons them. */
export function SchedulePreview({ schedule, timeZone }: Props) {
  const org = useOrg();
  const { t } = useTranslation();
  const [locale] = useLanguage();
  const [cron] = useDebouncedValue(toCron(schedule), 250);
  const query = useQuery({ ...schedulePreviewQuery(org, cron ?? "", timeZone), enabled: cron !== null });
  const format = formatter(locale, timeZone);
  if (cron === null) {
    return (
      <aside className={styles.preview}>
        <p className={styles.sentence}>{t("jobs.byHand")}</p>
        <p className={styles.note}>{t("jobs.byHandText")}</p>
      </aside>
    );
  }
  return (
    <aside className={styles.preview} aria-live="polite">
      {query.isError ? (
        <p className={styles.refused}>{refusalOf(query.error) ?? t("problem.unreachable")}</p>
      ) : (
        <>
          <p className={styles.sentence}>{cronSentence(cron, locale)}</p>
          <ol aria-label={t("jobs.nextRuns")}>
            {(query.data?.runs ?? []).map((run) => (
              <li key={run.at} className="sbs-number">
                {format.moment(new Date(run.at))}
              </li>
            ))}
          </ol>
          {(query.data?.notes ?? []).map((note) => (
            <p key={note.message} className={styles.note}>
              {note.message}
            </p>
          ))}
        </>
      )}
    </aside>
  );
}
