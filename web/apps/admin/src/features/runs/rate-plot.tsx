import { useFormat } from "@sbs/ui/use-format";
import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";

import { ratesQuery, type RatePoint } from "../../lib/live/rates";
import { useOrg } from "../../lib/organization";
import { outline } from "./rate-outline";
import styles from "./rate-plot.module.css";

/**
 * How fast a run was since this page was opened: what came before nobody has kept.
 *
 * One line needs no library: a path in the page's own colours, with its meaning in words beside it.
 */
export function RatePlot({ runId }: { runId: string }) {
  const org = useOrg();
  const { data } = useQuery(ratesQuery(org, runId));
  const points = data?.points ?? [];
  return points.length < 2 ? <div className={styles.plot} /> : <Plot points={points} />;
}

function Plot({ points }: { points: readonly RatePoint[] }) {
  const { t } = useTranslation();
  const format = useFormat();
  const rates = points.map((point) => point.rate);
  const most = Math.max(...rates);
  const mean = rates.reduce((sum, rate) => sum + rate, 0) / rates.length;
  const line = outline(points);
  const values = {
    since: format.clock(new Date(points[0]?.at ?? 0)),
    most: format.rate(most),
    mean: format.rate(mean),
  };
  return (
    <figure className={styles.plot}>
      <figcaption className={`${styles.words} sbs-number`}>
        <span>{t("runs.rateSince", values)}</span>
        <span>{t("runs.rateMean", values)}</span>
      </figcaption>
      <svg viewBox="0 0 100 100" preserveAspectRatio="none" aria-hidden>
        <path className={styles.area} d={`${line} L100 100 L0 100 Z`} />
        <path className={styles.line} d={line} />
      </svg>
    </figure>
  );
}
