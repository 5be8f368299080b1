import { queryOptions } from "@tanstack/react-query";

import { api, inOrg, ORG, type Schemas } from "../api";
import { answer } from "../problem";

export type Overview = Schemas["Overview"];
export type AttentionItem = Schemas["AttentionItem"];

/** Days are those of the reader's calendar. */
const timeZone = () => Intl.DateTimeFormat().resolvedOptions().timeZone;

export function overviewQuery(org: string) {
  return queryOptions({
    queryKey: [org, "overview"],
    queryFn: ({ signal }) =>
      answer(
        api.GET(`${ORG}/overview`, {
          params: { path: inOrg(org), query: { time_zone: timeZone() } },
          signal,
        }),
      ),
  });
}
