import { queryOptions } from "@tanstack/react-query";

import { api, inOrg, ORG, type Schemas } from "../api";
import { answer } from "../problem";

export type Restore = Schemas["RestoreOut"];
export type RestoreCreate = Schemas["RestoreCreate"];
export type ConflictPolicy = Schemas["ConflictPolicy"];

export const POLICIES: readonly ConflictPolicy[] = ["refuse", "skip", "overwrite", "keep_both"];

export function restoreQuery(org: string, runId: string) {
  return queryOptions({
    queryKey: [org, "runs", "restore", runId],
    queryFn: ({ signal }) =>
      answer(
        api.GET(`${ORG}/restores/{run_id}`, {
          params: { path: { ...inOrg(org), run_id: runId } },
          signal,
        }),
      ),
  });
}

export function createRestore(org: string, body: RestoreCreate): Promise<Restore> {
  return answer(api.POST(`${ORG}/restores`, { params: { path: inOrg(org) }, body }));
}
