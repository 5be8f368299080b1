import { createApi, type Schemas } from "@sbs/api-admin";

let csrfToken: string | null = null;

/** The token that acts carry; it comes with the session. */
export function rememberCsrfToken(token: string | null): void {
  csrfToken = token;
}

/** The administrators' API, on the server that this page came from. */
export const api = createApi(window.location.origin, {
  csrfToken: () => csrfToken,
  language: () => document.documentElement.lang,
});

export type { Schemas };
export const ORG = "/api/v1/organizations/{organization_id}";

/** What `ORG` is filled in with. */
export const inOrg = (org: string) => ({ organization_id: org });
