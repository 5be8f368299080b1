import createClient, { type Client } from "openapi-fetch";

import type { components, paths } from "./schema";

export type Schemas = components["schemas"];

/**
 * The administrators' API. `csrfToken` is asked for each call: it comes with the session and goes with every
 * act that changes something. `fetch` is looked up for each call, so that tests can replace it.
 */
export function createApi(baseUrl: string, csrfToken: () => string | null): Client<paths> {
  const api = createClient<paths>({ baseUrl, fetch: (request) => globalThis.fetch(request) });
  api.use({
    onRequest({ request }) {
      const token = csrfToken();
      if (token !== null && request.method !== "GET") request.headers.set("X-CSRF-Token", token);
      return request;
    },
  });
  return api;
}
