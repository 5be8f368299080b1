import { queryOptions } from "@tanstack/react-query";

import { api, inOrg, ORG, type Schemas } from "../api";
import { answer, fullAnswer } from "../problem";
import { pagedQuery, type Ask } from "./pages";

export type Agent = Schemas["AgentOut"];
export type Token = Schemas["EnrolmentTokenOut"];

export interface AgentFilter {
  q?: string | undefined;
  state?: "connected" | "offline" | "revoked" | undefined;
  sort?: Schemas["AgentSort"] | undefined;
}

/** Asks for pages of the agents that a filter lets through. */
export function askAgents(org: string, filter: AgentFilter): Ask<Agent> {
  const { q, state, sort } = filter;
  const query = {
    q: q || undefined,
    sort,
    state: state === undefined ? undefined : state === "revoked" ? ("revoked" as const) : ("active" as const),
    connected: state === "connected" ? true : state === "offline" ? false : undefined,
  };
  return ({ signal, ...page }) =>
    answer(api.GET(`${ORG}/agents`, { params: { path: inOrg(org), query: { ...query, ...page } }, signal }));
}

export function agentsQuery(org: string, filter: AgentFilter = {}) {
  return pagedQuery([org, "agents", "list", filter], askAgents(org, filter));
}

export function agentQuery(org: string, id: string) {
  return queryOptions({
    queryKey: [org, "agents", "one", id],
    queryFn: ({ signal }) =>
      answer(
        api.GET(`${ORG}/agents/{agent_id}`, { params: { path: { ...inOrg(org), agent_id: id } }, signal }),
      ),
  });
}

export async function renameAgent(org: string, agent: Agent, name: string): Promise<Agent> {
  const params = {
    path: { ...inOrg(org), agent_id: agent.id },
    header: { "if-match": `"${agent.version}"` },
  };
  const { data } = await fullAnswer(api.PATCH(`${ORG}/agents/{agent_id}`, { params, body: { name } }));
  return data;
}

export function revokeAgent(org: string, id: string): Promise<Agent> {
  return answer(
    api.POST(`${ORG}/agents/{agent_id}/revoke`, { params: { path: { ...inOrg(org), agent_id: id } } }),
  );
}

export function tokensQuery(org: string) {
  return pagedQuery<Token>([org, "tokens", "list"], ({ cursor, signal }) =>
    answer(api.GET(`${ORG}/enrolment-tokens`, { params: { path: inOrg(org), query: { cursor } }, signal })),
  );
}

export function tokenQuery(org: string, id: string) {
  return queryOptions({
    queryKey: [org, "tokens", "one", id],
    queryFn: ({ signal }) =>
      answer(
        api.GET(`${ORG}/enrolment-tokens/{token_id}`, {
          params: { path: { ...inOrg(org), token_id: id } },
          signal,
        }),
      ),
  });
}

export function createToken(
  org: string,
  body: Schemas["EnrolmentTokenCreate"],
): Promise<Schemas["EnrolmentTokenCreated"]> {
  return answer(api.POST(`${ORG}/enrolment-tokens`, { params: { path: inOrg(org) }, body }));
}

export function revokeToken(org: string, id: string): Promise<Token> {
  return answer(
    api.POST(`${ORG}/enrolment-tokens/{token_id}/revoke`, {
      params: { path: { ...inOrg(org), token_id: id } },
    }),
  );
}
