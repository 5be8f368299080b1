import { queryOptions } from "@tanstack/react-query";

import { api, rememberCsrfToken, type Schemas } from "../api";
import { answer, isProblem } from "../problem";

export type Session = Schemas["SessionOut"];

/** Who is signed in; null: nobody. */
export const sessionQuery = queryOptions({
  queryKey: ["session"],
  queryFn: async ({ signal }): Promise<Session | null> => {
    try {
      return remember(await answer(api.GET("/api/v1/session", { signal })));
    } catch (error) {
      if (isProblem(error, 401)) return null;
      throw error;
    }
  },
  staleTime: Infinity,
});

export async function signIn(email: string, password: string): Promise<Session> {
  return remember(await answer(api.POST("/api/v1/session", { body: { email, password } })));
}

export async function signOut(): Promise<void> {
  await answer(api.DELETE("/api/v1/session"));
  rememberCsrfToken(null);
}

function remember(session: Session): Session {
  rememberCsrfToken(session.csrf_token);
  return session;
}
