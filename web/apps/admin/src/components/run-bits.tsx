import type { Status } from "@sbs/ui/status-list";
import { IconDatabaseImport, IconRestore } from "@tabler/icons-react";
import type { TFunction } from "i18next";
import { useTranslation } from "react-i18next";

import type { Run, RunDetail } from "../lib/queries/runs";
import { useOrg } from "../lib/organization";
import { PageLink } from "./link";
import styles from "./run-bits.module.css";

/** Each target stores its own. */
const SUMMED = ["bytes_added", "bytes_added_packed"] as const;

/** The state of a run as it is shown: one that was asked to stop and has not yet is "cancelling". */
export function runStatus(run: Pick<Run, "state" | "cancel_requested_at">): Status {
  const open = run.state === "waiting" || run.state === "running";
  return open && run.cancel_requested_at !== null ? "cancelling" : run.state;
}

/** Seconds from start to end, or until now. */
export function runSeconds(run: Pick<Run, "started_at" | "finished_at">, nowMs: number): number | null {
  if (run.started_at === null) return null;
  const end = run.finished_at === null ? nowMs : new Date(run.finished_at).getTime();
  return Math.max(0, (end - new Date(run.started_at).getTime()) / 1000);
}

/** A number of a run's result; its members depend on the kind of run. */
export function resultNumber(result: Record<string, unknown>, ...names: string[]): number | null {
  for (const name of names) {
    const value = result[name];
    if (typeof value === "number") return value;
  }
  return null;
}

/**
 * What a run has done, over all of its targets. Each target gets the same files, so what was read is that of one
 * of them; what was stored is the sum.
 */
export function runResult(run: Pick<RunDetail, "result" | "targets">): Record<string, unknown> {
  const results = run.targets
    .map((target) => target.result)
    .filter((result) => Object.keys(result).length > 0);
  const sums = Object.fromEntries(
    SUMMED.filter((name) => results.some((result) => typeof result[name] === "number")).map((name) => [
      name,
      results.reduce((sum, result) => sum + (resultNumber(result, name) ?? 0), 0),
    ]),
  );
  return { ...results[0], ...sums, ...run.result };
}

const KINDS = { backup: IconDatabaseImport, restore: IconRestore } as const;

/** A run by its job and an icon of its kind, as a link to its page; read out and on hover by its whole name. */
export function RunLink({ run }: { run: Pick<Run, "id" | "kind" | "job_name"> }) {
  const org = useOrg();
  const name = useRunName(run);
  const Icon = KINDS[run.kind];
  return (
    <PageLink to="/o/$org/runs/$runId" params={{ org, runId: run.id }} title={name} aria-label={name}>
      <Icon size={15} stroke={1.6} aria-hidden className={styles.kind} />
      {run.job_name ?? name}
    </PageLink>
  );
}

/** "Backup: documents", "Restore": what a run is called. */
export function useRunName(run: Pick<Run, "kind" | "job_name">): string {
  return runName(run, useTranslation().t);
}

export function runName(run: Pick<Run, "kind" | "job_name">, t: TFunction): string {
  const kind = t(`kinds.${run.kind}`);
  return run.job_name === null ? kind : t("runs.named", { kind, name: run.job_name });
}
