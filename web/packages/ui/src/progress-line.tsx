import { Progress } from "@mantine/core";
import { useTranslation } from "react-i18next";

import styles from "./progress-line.module.css";
import { useFormat } from "./use-format";

interface Props {
  done: number;
  /** Null while it is not known. */
  total: number | null;
  bytesPerSecond: number | null;
  secondsLeft: number | null;
  /** What it is the progress of, for who can't see it. */
  label: string;
}

/** How far, how fast, and how long still. */
export function ProgressLine({ done, total, bytesPerSecond, secondsLeft, label }: Props) {
  const { t } = useTranslation("ui");
  const format = useFormat();
  const share = total === null || total === 0 ? null : Math.min(1, done / total);
  return (
    <div className={styles.line}>
      <Progress.Root size={8} radius={4}>
        <Progress.Section
          value={share === null ? 100 : share * 100}
          color="var(--sbs-running)"
          animated={share === null}
          striped={share === null}
          aria-label={label}
          {...(share === null ? { "aria-valuetext": t("progress.unknown") } : {})}
        />
      </Progress.Root>
      <div className={styles.words}>
        <span className="sbs-number">
          {share === null
            ? format.bytes(done)
            : t("progress.of", { done: format.bytes(done), total: format.bytes(total ?? 0) })}
        </span>
        {share === null ? null : <span className="sbs-number">{format.percent(share)}</span>}
        {bytesPerSecond === null ? null : <span className="sbs-number">{format.rate(bytesPerSecond)}</span>}
        {secondsLeft === null ? null : (
          <span className="sbs-number">{t("progress.left", { time: format.duration(secondsLeft) })}</span>
        )}
      </div>
    </div>
  );
}
