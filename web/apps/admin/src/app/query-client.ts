import { MutationCache, QueryCache, QueryClient } from "@tanstack/react-query";

import { isProblem } from "../lib/problem";

/** Asking again does not help against an answer; it may where there was none. */
const RETRIES = 2;

/** `signedOut` is called whenever an answer says that nobody is signed in (any more). */
export function createQueryClient(signedOut: () => void): QueryClient {
  const onError = (error: Error) => {
    if (!isProblem(error, 401)) return;
    client.setQueryData(["session"], null);
    signedOut();
  };
  const client = new QueryClient({
    queryCache: new QueryCache({ onError }),
    mutationCache: new MutationCache({ onError }),
    defaultOptions: {
      queries: {
        // The live stream says when something has changed; asking on every look would only be noise.
        staleTime: 60_000,
        refetchOnWindowFocus: false,
        retry: (failures, error) => !isProblem(error) && failures < RETRIES,
      },
      mutations: { retry: false },
    },
  });
  return client;
}
