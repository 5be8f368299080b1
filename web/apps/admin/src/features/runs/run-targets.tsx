import { CopyableId } from "@sbs/ui/copyable-id";
import { DataTable, type Column } from "@sbs/ui/data-table";
import { Bytes } from "@sbs/ui/quantities";
import { ExactTime } from "@sbs/ui/relative-time";
import { Section } from "@sbs/ui/section";
import { isStatus } from "@sbs/ui/status-list";
import { StatusBadge } from "@sbs/ui/status-badge";
import { useTranslation } from "react-i18next";

import { PageLink } from "../../components/link";
import { resultNumber } from "../../components/run-bits";
import { useOrg } from "../../lib/organization";
import type { RunDetail } from "../../lib/queries/runs";

type Target = RunDetail["targets"][number];
type Attempt = RunDetail["attempts"][number];

/** Columns that a restore has nothing for. */
const OF_BACKUPS = new Set(["snapshot", "added"]);

/** The repositories of a run side by side, and each attempt with its true reason. */
export function RunTargets({ run }: { run: RunDetail }) {
  const { t } = useTranslation();
  const org = useOrg();
  const isRestore = run.kind === "restore";
  const title = isRestore ? t("runs.readFrom") : t("runs.targets");
  const columns: Column<Target>[] = [
    {
      id: "repository",
      header: t("field.repository"),
      cell: (target) => (
        <PageLink
          to="/o/$org/repositories/$repositoryId"
          params={{ org, repositoryId: target.repository_id }}
        >
          {target.repository_name}
        </PageLink>
      ),
    },
    {
      id: "status",
      header: t("field.status"),
      width: "178px",
      cell: (target) => <StatusBadge status={target.state} />,
    },
    {
      id: "snapshot",
      header: t("runs.resticSnapshot"),
      width: "170px",
      cell: (target) =>
        target.restic_snapshot_id === null ? (
          "–"
        ) : (
          <CopyableId id={target.restic_snapshot_id} short="start" />
        ),
    },
    {
      id: "added",
      header: t("runs.added"),
      width: "110px",
      numeric: true,
      cell: (target) => <Bytes value={resultNumber(target.result, "bytes_added")} />,
    },
    {
      id: "error",
      header: t("runs.reason"),
      cell: (target) => <span title={target.error?.detail ?? undefined}>{target.error?.message ?? "–"}</span>,
    },
  ];
  return (
    <>
      <Section title={title} flush>
        <DataTable
          label={title}
          columns={isRestore ? columns.filter((column) => !OF_BACKUPS.has(column.id)) : columns}
          rows={run.targets}
          rowKey={(target) => target.restic_repository_id}
        />
      </Section>
      {run.attempts.length > run.targets.length ? <Attempts run={run} /> : null}
    </>
  );
}

/** Shown when something was tried more than once. */
function Attempts({ run }: { run: RunDetail }) {
  const { t } = useTranslation();
  const names = new Map(run.targets.map((target) => [target.restic_repository_id, target.repository_name]));
  const columns: Column<Attempt>[] = [
    {
      id: "number",
      header: t("runs.attempt"),
      width: "100px",
      numeric: true,
      cell: (attempt) => attempt.attempt,
    },
    {
      id: "repository",
      header: t("field.repository"),
      cell: (attempt) => names.get(attempt.restic_repository_id),
    },
    {
      id: "result",
      header: t("field.status"),
      width: "178px",
      cell: (attempt) =>
        isStatus(attempt.result) ? <StatusBadge status={attempt.result} /> : attempt.result,
    },
    {
      id: "began",
      header: t("runs.began"),
      width: "150px",
      cell: (attempt) => <ExactTime at={attempt.started_at} />,
    },
    {
      id: "ended",
      header: t("runs.ended"),
      width: "150px",
      cell: (attempt) => <ExactTime at={attempt.finished_at} />,
    },
    {
      id: "reason",
      header: t("runs.reason"),
      cell: (attempt) => (
        <span title={attempt.error?.detail ?? undefined}>{attempt.error?.message ?? "–"}</span>
      ),
    },
  ];
  return (
    <Section title={t("runs.attempts")} flush>
      <DataTable
        label={t("runs.attempts")}
        columns={columns}
        rows={run.attempts}
        rowKey={(attempt) => `${attempt.restic_repository_id}-${attempt.attempt}`}
      />
    </Section>
  );
}
