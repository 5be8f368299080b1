import { Bytes, Count } from "@sbs/ui/quantities";
import { ExactTime } from "@sbs/ui/relative-time";
import { StatusBadge } from "@sbs/ui/status-badge";
import type { Status } from "@sbs/ui/status-list";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";

import type { Snapshot } from "../lib/queries/snapshots";
import type { ListColumn } from "./list/list-columns";

export function snapshotStatus(snapshot: Pick<Snapshot, "complete" | "forgotten_at">): Status {
  if (snapshot.forgotten_at !== null) return "forgotten";
  return snapshot.complete ? "present" : "incomplete";
}

/** `name`: what the time of a snapshot is: a link, or a button that chooses it. */
export function useSnapshotColumns(
  name: (snapshot: Snapshot, time: ReactNode) => ReactNode,
): ListColumn<Snapshot>[] {
  const { t } = useTranslation();
  return [
    {
      id: "taken",
      header: t("snapshots.taken"),
      sorts: ["-taken_at", "taken_at"],
      width: "170px",
      cell: (snapshot) => name(snapshot, <ExactTime at={snapshot.taken_at} />),
      csv: (snapshot) => snapshot.taken_at,
    },
    {
      id: "agent",
      header: t("field.agent"),
      cell: (snapshot) => <span title={snapshot.agent_name}>{snapshot.agent_name}</span>,
      csv: (snapshot) => snapshot.agent_name,
    },
    {
      id: "job",
      header: t("field.job"),
      cell: (snapshot) => <span title={snapshot.job_name}>{snapshot.job_name}</span>,
      csv: (snapshot) => snapshot.job_name,
    },
    {
      id: "status",
      header: t("field.status"),
      width: "140px",
      cell: (snapshot) => <StatusBadge status={snapshotStatus(snapshot)} />,
      csv: (snapshot) => t(`status.${snapshotStatus(snapshot)}`, { ns: "ui" }),
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
      csv: (snapshot) => snapshot.paths.join("\n"),
    },
    {
      id: "files",
      minor: true,
      header: t("snapshots.files"),
      numeric: true,
      width: "100px",
      cell: (snapshot) => <Count value={snapshot.files} />,
      csv: (snapshot) => snapshot.files,
    },
    {
      id: "size",
      header: t("files.size"),
      csvHeader: t("list.inBytes", { what: t("files.size") }),
      numeric: true,
      width: "100px",
      cell: (snapshot) => <Bytes value={snapshot.size_bytes} />,
      csv: (snapshot) => snapshot.size_bytes,
    },
    {
      id: "added",
      minor: true,
      header: t("runs.added"),
      csvHeader: t("list.inBytes", { what: t("runs.added") }),
      numeric: true,
      width: "110px",
      cell: (snapshot) => <Bytes value={snapshot.added_bytes} />,
      csv: (snapshot) => snapshot.added_bytes,
    },
  ];
}
