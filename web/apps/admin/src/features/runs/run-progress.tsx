import { ProgressLine } from "@sbs/ui/progress-line";
import { Section } from "@sbs/ui/section";
import { useFormat } from "@sbs/ui/use-format";
import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";

import { useOrg } from "../../lib/organization";
import { progressQuery, type RunDetail } from "../../lib/queries/runs";
import { RatePlot } from "./rate-plot";
import styles from "./run-progress.module.css";

/** How far the run is, as the agent says it; at most twice a second. */
export function RunProgressView({ run }: { run: RunDetail }) {
  const org = useOrg();
  const { t } = useTranslation();
  const format = useFormat();
  const { data: progress } = useQuery(progressQuery(org, run.id));
  if (run.state !== "running") return null;
  return (
    <Section title={t("runs.progress")}>
      <div className={styles.progress} aria-live="off">
        <ProgressLine
          done={progress?.bytes_done ?? 0}
          total={progress?.bytes_total ?? null}
          bytesPerSecond={progress?.bytes_per_second ?? null}
          secondsLeft={progress?.seconds_left ?? null}
          label={t("runs.progress")}
        />
        <RatePlot runId={run.id} />
        <p className={styles.line}>
          <span>{progress ? t(`phases.${progress.phase}`) : t("phases.starting")}</span>
          {progress ? (
            <span className="sbs-number">
              {progress.files_total === null
                ? t("runs.filesDone", { count: progress.files_done, done: format.count(progress.files_done) })
                : t("runs.filesOf", {
                    done: format.count(progress.files_done),
                    total: format.count(progress.files_total),
                  })}
            </span>
          ) : null}
          {progress && progress.warnings > 0 ? (
            <span>{t("runs.warningsSoFar", { count: progress.warnings })}</span>
          ) : null}
        </p>
        <p className={`${styles.file} sbs-mono sbs-clip`} title={progress?.current_file ?? undefined}>
          {progress?.current_file ?? "\u00a0"}
        </p>
      </div>
    </Section>
  );
}
