import createClient, { type Client } from "openapi-fetch";

import type { components, paths } from "./schema";

export type Schemas = components["schemas"];

/** What each call asks for anew. */
export interface Caller {
  /** It comes with the session and goes with every act that changes something. */
  csrfToken: () => string | null;
  /** The language in which errors are explained. */
  language: () => string;
}

/** The administrators' API. `fetch` is looked up for each call, so that tests can replace it. */
export function createApi(baseUrl: string, caller: Caller): Client<paths> {
  const api = createClient<paths>({ baseUrl, fetch: (request) => globalThis.fetch(request) });
  api.use({
    onRequest({ request }) {
      const token = caller.csrfToken();
      if (token !== null && request.method !== "GET") request.headers.set("X-CSRF-Token", token);
      request.headers.set("Accept-Language", caller.language());
      return request;
    },
  });
  return api;
}
