import { queryOptions } from "@tanstack/react-query";

import { api, inOrg, ORG, type Schemas } from "../api";
import { answer } from "../problem";
import { pagedQuery, type Ask } from "./pages";

export type Repository = Schemas["RepositoryOut"];
export type RepositoryDetail = Schemas["RepositoryDetail"];

export interface RepositoryFilter {
  name?: string | undefined;
  sort?: Schemas["RepositorySort"] | undefined;
}

const one = (org: string, id: string) => ({ ...inOrg(org), repository_id: id });

/** The order of repositories where none is asked for. */
export const REPOSITORIES_BY = "name";

/** Asks for pages of the repositories that a filter lets through. */
export function askRepositories(org: string, filter: RepositoryFilter): Ask<Repository> {
  const query = { name: filter.name || undefined, sort: filter.sort ?? REPOSITORIES_BY } as const;
  return ({ signal, ...page }) =>
    answer(
      api.GET(`${ORG}/repositories`, { params: { path: inOrg(org), query: { ...query, ...page } }, signal }),
    );
}

export function repositoriesQuery(org: string, filter: RepositoryFilter = {}) {
  return pagedQuery([org, "repositories", "list", filter], askRepositories(org, filter));
}

export function repositoryQuery(org: string, id: string) {
  return queryOptions({
    queryKey: [org, "repositories", "one", id],
    queryFn: ({ signal }) =>
      answer(api.GET(`${ORG}/repositories/{repository_id}`, { params: { path: one(org, id) }, signal })),
  });
}

export function storageRootsQuery(org: string) {
  return queryOptions({
    queryKey: [org, "storage-roots"],
    queryFn: ({ signal }) =>
      answer(api.GET(`${ORG}/storage-roots`, { params: { path: inOrg(org) }, signal })),
  });
}

export function testRepository(org: string, folder: string): Promise<Schemas["RepositoryTestOut"]> {
  const body = { kind: "local" as const, path: folder };
  return answer(api.POST(`${ORG}/repositories/test`, { params: { path: inOrg(org) }, body }));
}

export function createRepository(org: string, name: string, folder: string): Promise<RepositoryDetail> {
  const body = { name, kind: "local" as const, path: folder };
  return answer(api.POST(`${ORG}/repositories`, { params: { path: inOrg(org) }, body }));
}

export function renameRepository(org: string, repository: Repository, name: string): Promise<Repository> {
  const params = { path: one(org, repository.id), header: { "if-match": `"${repository.version}"` } };
  return answer(api.PATCH(`${ORG}/repositories/{repository_id}`, { params, body: { name } }));
}

export async function deleteRepository(org: string, id: string): Promise<void> {
  await answer(api.DELETE(`${ORG}/repositories/{repository_id}`, { params: { path: one(org, id) } }));
}
