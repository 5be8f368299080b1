import { useQueryClient } from "@tanstack/react-query";
import { useEffect } from "react";

import { api, inOrg, ORG } from "../api";
import {
  isFinal,
  progressQuery,
  runQuery,
  timelineQuery,
  type RunDetail,
  type RunProgress,
} from "../queries/runs";
import { addRate, ratesQuery } from "./rates";
import { openStream } from "./stream";
import { streamVerdict } from "./verdict";

/** Follows one run while its page is on screen: the run itself, and how far it is. */
export function useRunStream(org: string, runId: string, ended: boolean): void {
  const client = useQueryClient();
  useEffect(() => {
    if (ended) return;
    return openStream(`/api/v1/organizations/${org}/runs/${runId}/events`, {
      on: {
        run: (data) => {
          // Asked for again instead of taken over: an EventSource can't say in which language it wants its texts.
          void client.invalidateQueries({ queryKey: runQuery(org, runId).queryKey });
          void client.invalidateQueries({ queryKey: timelineQuery(org, runId).queryKey });
          const { state } = JSON.parse(data) as Pick<RunDetail, "state">;
          if (!isFinal(state)) return;
          client.removeQueries({ queryKey: progressQuery(org, runId).queryKey });
          client.removeQueries({ queryKey: ratesQuery(org, runId).queryKey });
        },
        progress: (data) => {
          const progress = JSON.parse(data) as RunProgress;
          client.setQueryData(progressQuery(org, runId).queryKey, progress);
          client.setQueryData(ratesQuery(org, runId).queryKey, (before) =>
            addRate(before, progress, Date.now()),
          );
        },
      },
      // How many windows are open the organization's stream says, once for the page.
      verdict: () =>
        streamVerdict(client, (signal) =>
          api.GET(`${ORG}/runs/{run_id}/events`, {
            params: { path: { ...inOrg(org), run_id: runId } },
            parseAs: "stream",
            signal,
          }),
        ),
    });
  }, [client, org, runId, ended]);
}
