import { useFormat } from "@sbs/ui/use-format";
import { Link, type LinkProps } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";

import { useOrg } from "../../lib/organization";
import type { Overview } from "../../lib/queries/overview";
import styles from "./counts.module.css";

interface Tile {
  name: string;
  value: number;
  detail: string;
  to: LinkProps;
}

/** How much there is of everything; each leads to its list. */
export function Counts({ overview }: { overview: Overview }) {
  const format = useFormat();
  const tiles = useTiles(overview);
  return (
    <ul className={styles.tiles}>
      {tiles.map((tile) => (
        <li key={tile.name}>
          <Link {...tile.to} className={styles.tile}>
            <span className={styles.name}>{tile.name}</span>
            <span className={`${styles.value} sbs-number`}>{format.count(tile.value)}</span>
            <span className={styles.detail}>{tile.detail}</span>
          </Link>
        </li>
      ))}
    </ul>
  );
}

function useTiles(overview: Overview): Tile[] {
  const org = useOrg();
  const { t } = useTranslation();
  const { agents, jobs, repositories, runs_last_24h: day } = overview;
  const params = { org };
  return [
    {
      name: t("pages.agents"),
      value: agents.active,
      detail: t("overview.connected", { count: agents.connected }),
      to: { to: "/o/$org/agents", params },
    },
    {
      name: t("pages.jobs"),
      value: jobs.total,
      detail: t("overview.scheduled", { count: jobs.scheduled }),
      to: { to: "/o/$org/jobs", params },
    },
    {
      name: t("overview.openRuns"),
      value: overview.open_runs,
      detail: t("overview.lastDay", {
        done: day.succeeded + day.completed_with_warnings,
        failed: day.failed + day.partial,
      }),
      to: { to: "/o/$org/runs", params },
    },
    {
      name: t("pages.snapshots"),
      value: overview.snapshots,
      detail: t("overview.kept"),
      to: { to: "/o/$org/snapshots", params },
    },
    {
      name: t("pages.repositories"),
      value: repositories.total,
      detail:
        repositories.with_problem === 0
          ? t("overview.noProblem")
          : t("overview.withProblem", { count: repositories.with_problem }),
      to: { to: "/o/$org/repositories", params },
    },
  ];
}
