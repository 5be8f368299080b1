import { useQueryClient } from "@tanstack/react-query";
import { useEffect } from "react";

import { api, ORG } from "../api";
import { parseChange, staleAfter, type Change } from "./changes";
import { connection } from "./connection";
import { refresh } from "./leaving";
import { openStream } from "./stream";
import { streamVerdict } from "./verdict";

/** Changes within this time are answered by one round of asking again. */
const GATHER_MS = 250;

/** Keeps what the page shows of an organization up to date, for as long as it is on screen. */
export function useOrganizationStream(org: string): void {
  const client = useQueryClient();
  useEffect(() => {
    let gathered: Change[] = [];
    let timer: ReturnType<typeof setTimeout> | undefined;
    let missed = false;

    function flush(): void {
      for (const queryKey of staleAfter(org, gathered)) refresh(client, queryKey);
      gathered = [];
      timer = undefined;
    }
    const everything = () => void client.invalidateQueries({ queryKey: [org] });

    const close = openStream(`/api/v1/organizations/${org}/events`, {
      on: {
        changed: (data) => {
          const change = parseChange(data);
          if (change !== null) gathered.push(change);
          timer ??= setTimeout(flush, GATHER_MS);
        },
        reset: everything,
      },
      opened: () => {
        connection.there();
        if (missed) everything();
        missed = false;
      },
      lost: () => {
        missed = true;
        connection.lost();
      },
      tooMany: connection.tooMany,
      verdict: () =>
        streamVerdict(client, (signal) =>
          api.GET(`${ORG}/events`, {
            params: { path: { organization_id: org } },
            parseAs: "stream",
            signal,
          }),
        ),
    });
    return () => {
      clearTimeout(timer);
      close();
      connection.there();
    };
  }, [client, org]);
}
