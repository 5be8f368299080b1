import { Checkbox } from "@mantine/core";
import { DataTable, type Column } from "@sbs/ui/data-table";
import { Bytes } from "@sbs/ui/quantities";
import { ExactTime } from "@sbs/ui/relative-time";
import { EmptyState } from "@sbs/ui/states";
import {
  IconFile,
  IconFolder,
  IconFolderOpen,
  IconLink,
  IconQuestionMark,
  type TablerIcon,
} from "@tabler/icons-react";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";

import { useOrg } from "../lib/organization";
import { usePages } from "../lib/queries/pages";
import { folderQuery, type FileEntry } from "../lib/queries/snapshots";
import { Breadcrumbs } from "./breadcrumbs";
import styles from "./folder-browser.module.css";
import { QueryView } from "./query-view";

const ICONS: Partial<Record<FileEntry["type"], TablerIcon>> = {
  dir: IconFolder,
  file: IconFile,
  symlink: IconLink,
};

interface Props {
  snapshotId: string;
  path: string;
  open: (path: string) => void;
  /** Check marks: what is chosen, and how that changes. */
  selection?: Selection;
  /** At the right of a row. */
  acts?: (entry: FileEntry) => ReactNode;
}

export interface Selection {
  /** Paths; a folder stands for all that is in it. */
  paths: readonly string[];
  toggle: (path: string) => void;
}

/** A folder of a snapshot: where one is, what is in it. */
export function FolderBrowser(props: Props) {
  const org = useOrg();
  const { t } = useTranslation();
  const { query, rows, more } = usePages(folderQuery(org, props.snapshotId, props.path));
  const columns = useColumns(props);
  return (
    <div className={styles.browser}>
      <Breadcrumbs path={props.path} open={props.open} />
      <QueryView query={query} rows={8}>
        {() =>
          rows.length === 0 ? (
            <EmptyState icon={IconFolderOpen} title={t("files.empty")} />
          ) : (
            <DataTable
              label={t("files.folder", { path: props.path })}
              columns={columns}
              rows={rows}
              rowKey={(entry) => entry.path}
              of={props.path}
              more={more}
            />
          )
        }
      </QueryView>
    </div>
  );
}

function useColumns({ open, selection, acts }: Props): Column<FileEntry>[] {
  const { t } = useTranslation();
  const columns: Column<FileEntry>[] = [
    { id: "name", header: t("field.name"), cell: (entry) => <Name entry={entry} open={open} /> },
    {
      id: "size",
      header: t("files.size"),
      numeric: true,
      width: "110px",
      cell: (entry) => (entry.type === "dir" ? "" : <Bytes value={entry.size_bytes} />),
    },
    {
      id: "modified",
      header: t("files.modified"),
      width: "160px",
      cell: (entry) => <ExactTime at={entry.modified_at} />,
    },
    {
      id: "mode",
      minor: true,
      header: t("files.mode"),
      width: "90px",
      cell: (entry) => <span className="sbs-mono">{entry.mode}</span>,
    },
  ];
  if (selection !== undefined) columns.unshift(markColumn(selection, t));
  if (acts !== undefined)
    columns.push({ id: "acts", header: t("field.acts"), quietHeader: true, width: "130px", cell: acts });
  return columns;
}

function markColumn(selection: Selection, t: ReturnType<typeof useTranslation>["t"]): Column<FileEntry> {
  return {
    id: "mark",
    header: t("files.chosen"),
    quietHeader: true,
    width: "44px",
    cell: (entry) => {
      const isInside = selection.paths.some((path) => path !== entry.path && isWithin(entry.path, path));
      return (
        <Checkbox
          size="xs"
          aria-label={t("files.choose", { name: entry.name })}
          checked={isInside || selection.paths.includes(entry.path)}
          disabled={isInside || !entry.addressable}
          onChange={() => selection.toggle(entry.path)}
        />
      );
    },
  };
}

function Name({ entry, open }: { entry: FileEntry; open: (path: string) => void }) {
  const { t } = useTranslation();
  const Icon = ICONS[entry.type] ?? IconQuestionMark;
  const title = entry.addressable ? entry.name : t("files.notAddressable");
  return (
    <span className={styles.name} title={title}>
      <Icon size={17} stroke={1.6} aria-hidden className={styles.icon} data-type={entry.type} />
      {entry.type === "dir" && entry.addressable ? (
        <button type="button" className={styles.folder} onClick={() => open(entry.path)}>
          {entry.name}
        </button>
      ) : (
        <span className="sbs-clip">{entry.name}</span>
      )}
    </span>
  );
}

/** Whether `path` is `folder` or lies in it. */
function isWithin(path: string, folder: string): boolean {
  return path === folder || folder === "/" || path.startsWith(`${folder}/`);
}
