import { DataTable, type Column } from "@sbs/ui/data-table";
import { Bytes, Count } from "@sbs/ui/quantities";
import { ExactTime } from "@sbs/ui/relative-time";
import { StatusBadge } from "@sbs/ui/status-badge";
import type { Status } from "@sbs/ui/status-list";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";

import type { Snapshot } from "../lib/queries/snapshots";

export function snapshotStatus(snapshot: Pick<Snapshot, "complete" | "forgotten_at">): Status {
  if (snapshot.forgotten_at !== null) return "forgotten";
  return snapshot.complete ? "present" : "incomplete";
}

interface Props {
  /** The filter behind the rows. */
  of?: unknown;
  rows: readonly Snapshot[];
  more: { load: () => void; loading: boolean } | undefined;
  open: (snapshot: Snapshot) => void;
  /** What the time of a snapshot is: a link, or a button that chooses it. */
  name: (snapshot: Snapshot, time: ReactNode) => ReactNode;
}

export function SnapshotsTable({ of, rows, more, open, name }: Props) {
  const { t } = useTranslation();
  const columns: Column<Snapshot>[] = [
    {
      id: "taken",
      header: t("snapshots.taken"),
      width: "170px",
      cell: (snapshot) => name(snapshot, <ExactTime at={snapshot.taken_at} />),
    },
    {
      id: "agent",
      header: t("field.agent"),
      cell: (snapshot) => <span title={snapshot.agent_name}>{snapshot.agent_name}</span>,
    },
    {
      id: "job",
      header: t("field.job"),
      cell: (snapshot) => <span title={snapshot.job_name}>{snapshot.job_name}</span>,
    },
    {
      id: "status",
      header: t("field.status"),
      width: "140px",
      cell: (snapshot) => <StatusBadge status={snapshotStatus(snapshot)} />,
    },
    {
      id: "paths",
      minor: true,
      header: t("jobs.sources"),
      cell: (snapshot) => (
        <span className="sbs-mono" title={snapshot.paths.join("\n")}>
          {snapshot.paths.join(", ")}
        </span>
      ),
    },
    {
      id: "files",
      minor: true,
      header: t("snapshots.files"),
      numeric: true,
      width: "100px",
      cell: (snapshot) => <Count value={snapshot.files} />,
    },
    {
      id: "size",
      header: t("files.size"),
      numeric: true,
      width: "100px",
      cell: (snapshot) => <Bytes value={snapshot.size_bytes} />,
    },
    {
      id: "added",
      minor: true,
      header: t("runs.added"),
      numeric: true,
      width: "110px",
      cell: (snapshot) => <Bytes value={snapshot.added_bytes} />,
    },
  ];
  return (
    <DataTable
      label={t("pages.snapshots")}
      columns={columns}
      rows={rows}
      of={of}
      rowKey={(snapshot) => snapshot.id}
      open={open}
      more={more}
    />
  );
}
