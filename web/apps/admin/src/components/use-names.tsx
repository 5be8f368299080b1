import { useQueries } from "@tanstack/react-query";

import { useOrg } from "../lib/organization";
import { agentQuery } from "../lib/queries/agents";
import { repositoryQuery } from "../lib/queries/repositories";

/** Names of agents by id; those that are not known yet are missing. */
export function useAgentNames(ids: readonly string[]): Map<string, string> {
  const org = useOrg();
  const found = useQueries({ queries: ids.map((id) => agentQuery(org, id)) });
  return new Map(found.flatMap(({ data }) => (data === undefined ? [] : [[data.id, data.name]])));
}

/** Names of repositories by id; those that are not known yet are missing. */
export function useRepositoryNames(ids: readonly string[]): Map<string, string> {
  const org = useOrg();
  const found = useQueries({ queries: ids.map((id) => repositoryQuery(org, id)) });
  return new Map(found.flatMap(({ data }) => (data === undefined ? [] : [[data.id, data.name]])));
}
