import { useQueryClient } from "@tanstack/react-query";
import { useEffect } from "react";

import {
  isFinal,
  progressQuery,
  runQuery,
  timelineQuery,
  type RunDetail,
  type RunProgress,
} from "../queries/runs";
import { sessionQuery } from "../queries/session";
import { openStream } from "./stream";

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
          if (isFinal(state)) client.removeQueries({ queryKey: progressQuery(org, runId).queryKey });
        },
        progress: (data) => {
          client.setQueryData(progressQuery(org, runId).queryKey, JSON.parse(data) as RunProgress);
        },
      },
      mayGoOn: async () => (await client.fetchQuery({ ...sessionQuery, staleTime: 0 })) !== null,
    });
  }, [client, org, runId, ended]);
}
