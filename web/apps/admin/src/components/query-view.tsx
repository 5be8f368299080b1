import { Loading } from "@sbs/ui/states";
import type { UseQueryResult } from "@tanstack/react-query";
import type { ReactNode } from "react";

import { ProblemView } from "./problem-view";

interface Props<Data> {
  query: Pick<UseQueryResult<Data>, "data" | "error" | "refetch" | "isError">;
  rows?: number;
  children: (data: Data) => ReactNode;
}

/** What a query has found; its shape while it looks; its problem if there is one. */
export function QueryView<Data>({ query, rows, children }: Props<Data>) {
  // Data that is there stays on screen when asking again has failed: the banner says that it is old.
  if (query.data !== undefined) return children(query.data);
  if (query.isError) return <ProblemView error={query.error} retry={() => void query.refetch()} />;
  return <Loading rows={rows ?? 6} />;
}
