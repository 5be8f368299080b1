import { createApi, type Schemas } from "./client";

// Compiled, never run: what the console will ask for has to be there, with these types.
export async function startAndRead(organization: string, job: string): Promise<Schemas["RunState"][]> {
  const api = createApi("https://console.localhost:8443", { csrfToken: () => null, language: () => "en" });
  const path = { organization_id: organization, job_id: job };
  const { data, error } = await api.POST("/api/v1/organizations/{organization_id}/jobs/{job_id}/runs", {
    params: { path },
  });
  if (error !== undefined) throw new Error(error.detail);
  return data.items.map((run) => run.state);
}
