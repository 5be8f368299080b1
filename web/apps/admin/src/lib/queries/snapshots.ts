import { queryOptions } from "@tanstack/react-query";

import { api, inOrg, ORG, type Schemas } from "../api";
import { answer } from "../problem";
import { pagedQuery, type Ask } from "./pages";

export type Snapshot = Schemas["SnapshotOut"];
export type SnapshotDetail = Schemas["SnapshotDetail"];
export type FileEntry = Schemas["FileEntry"];

export interface SnapshotFilter {
  job?: string | undefined;
  agent?: string | undefined;
  repository?: string | undefined;
  forgotten?: true | undefined;
  sort?: Schemas["SnapshotSort"] | undefined;
}

const one = (org: string, id: string) => ({ ...inOrg(org), snapshot_id: id });

/** Asks for pages of the snapshots that a filter lets through. */
export function askSnapshots(org: string, filter: SnapshotFilter): Ask<Snapshot> {
  const query = {
    job_id: filter.job,
    agent_id: filter.agent,
    repository_id: filter.repository,
    forgotten: filter.forgotten,
    sort: filter.sort,
  };
  return ({ signal, ...page }) =>
    answer(
      api.GET(`${ORG}/snapshots`, { params: { path: inOrg(org), query: { ...query, ...page } }, signal }),
    );
}

export function snapshotsQuery(org: string, filter: SnapshotFilter = {}) {
  return pagedQuery([org, "snapshots", "list", filter], askSnapshots(org, filter));
}

export function snapshotQuery(org: string, id: string) {
  return queryOptions({
    queryKey: [org, "snapshots", "one", id],
    queryFn: ({ signal }) =>
      answer(api.GET(`${ORG}/snapshots/{snapshot_id}`, { params: { path: one(org, id) }, signal })),
  });
}

/** A folder of a snapshot. Snapshots do not change: what was read once stays right. */
export function folderQuery(org: string, id: string, folder: string) {
  return {
    ...pagedQuery<FileEntry>([org, "folders", id, folder], ({ cursor, signal }) =>
      answer(
        api.GET(`${ORG}/snapshots/{snapshot_id}/files`, {
          params: { path: one(org, id), query: { path: folder, cursor, limit: 500 } },
          signal,
        }),
      ),
    ),
    staleTime: Infinity,
    // Under the name of another folder the files of the one before would be wrong.
    placeholderData: undefined,
  };
}

/** Where the bytes of a file are fetched from, by a plain link. */
export function contentAddress(org: string, id: string, file: string): string {
  return `/api/v1/organizations/${org}/snapshots/${id}/content?path=${encodeURIComponent(file)}`;
}
