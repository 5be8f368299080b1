import type { QueryClient } from "@tanstack/react-query";

import { sessionQuery } from "../queries/session";
import type { Verdict } from "./stream";

/** Where the server does not say when to come again. */
const PATIENCE_S = 15;

/**
 * Asks for a stream as one asks for anything, to learn why it was refused: EventSource does not tell. `ask` opens it
 * as soon as it is let in; what comes then is not read.
 */
export async function streamVerdict(
  client: QueryClient,
  ask: (signal: AbortSignal) => Promise<{ response: Response }>,
): Promise<Verdict> {
  const stop = new AbortController();
  try {
    const { response } = await ask(stop.signal);
    if (response.status === 429) return { waitS: secondsOf(response.headers.get("retry-after")) };
    // That nobody is signed in any more leads to sign-in, as with any question.
    if (response.status === 401) await client.fetchQuery({ ...sessionQuery, staleTime: 0 });
    return response.status === 401 || response.status === 404 ? "never" : "now";
  } finally {
    stop.abort();
  }
}

function secondsOf(header: string | null): number {
  const seconds = Number(header);
  return header !== null && Number.isFinite(seconds) && seconds > 0 ? seconds : PATIENCE_S;
}
