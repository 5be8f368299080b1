import {
  createRootRouteWithContext,
  createRoute,
  lazyRouteComponent,
  Outlet,
  redirect,
} from "@tanstack/react-router";
import type { QueryClient } from "@tanstack/react-query";

import { agentQuery, agentsQuery, tokensQuery } from "../lib/queries/agents";
import { jobQuery, jobsQuery } from "../lib/queries/jobs";
import { overviewQuery } from "../lib/queries/overview";
import { repositoriesQuery, repositoryQuery } from "../lib/queries/repositories";
import { lastRunsQuery, runQuery, runsQuery, timelineQuery } from "../lib/queries/runs";
import { sessionQuery } from "../lib/queries/session";
import { folderQuery, snapshotQuery, snapshotsQuery } from "../lib/queries/snapshots";
import { Shell } from "../shell/shell";
import * as search from "./search";

interface Context {
  queryClient: QueryClient;
}

const root = createRootRouteWithContext<Context>()({ component: Outlet });

const signIn = createRoute({
  getParentRoute: () => root,
  path: "/sign-in",
  validateSearch: search.signInSearch,
  component: lazyRouteComponent(() => import("../features/session/sign-in-page"), "SignInPage"),
});

/** Everything behind sign-in. */
const signedIn = createRoute({
  getParentRoute: () => root,
  id: "signed-in",
  beforeLoad: async ({ context, location }) => {
    const session = await context.queryClient.ensureQueryData(sessionQuery);
    if (session === null) {
      throw redirect({ to: "/sign-in", search: { to: location.href } });
    }
    return { session };
  },
});

const home = createRoute({
  getParentRoute: () => signedIn,
  path: "/",
  beforeLoad: ({ context }) => {
    const address = search.homeAddress(context.session);
    if (address !== null) throw redirect({ to: "/o/$org", params: { org: address } });
  },
  component: lazyRouteComponent(
    () => import("../features/session/no-organization-page"),
    "NoOrganizationPage",
  ),
});

const organization = createRoute({ getParentRoute: () => signedIn, path: "/o/$org", component: Shell });

const agents = createRoute({
  getParentRoute: () => organization,
  path: "/agents",
  validateSearch: search.agentsSearch,
  loaderDeps: ({ search: { q, state, sort } }) => ({ q, state, sort }),
  loader: ({ context, params, deps }) => {
    void context.queryClient.prefetchInfiniteQuery(agentsQuery(params.org, deps));
  },
  component: lazyRouteComponent(() => import("../features/agents/agents-page"), "AgentsPage"),
});

const tokens = createRoute({
  getParentRoute: () => organization,
  path: "/agents/tokens",
  loader: ({ context, params }) => {
    void context.queryClient.prefetchInfiniteQuery(tokensQuery(params.org));
  },
  component: lazyRouteComponent(() => import("../features/agents/tokens-page"), "TokensPage"),
});

const agent = createRoute({
  getParentRoute: () => organization,
  path: "/agents/$agentId",
  loader: ({ context, params }) => {
    void context.queryClient.prefetchQuery(agentQuery(params.org, params.agentId));
  },
  component: lazyRouteComponent(() => import("../features/agents/agent-page"), "AgentPage"),
});

const overview = createRoute({
  getParentRoute: () => organization,
  path: "/",
  loader: ({ context, params }) => {
    void context.queryClient.prefetchQuery(overviewQuery(params.org));
    void context.queryClient.prefetchInfiniteQuery(lastRunsQuery(params.org));
    void context.queryClient.prefetchInfiniteQuery(repositoriesQuery(params.org));
  },
  component: lazyRouteComponent(() => import("../features/overview/overview-page"), "OverviewPage"),
});

const runs = createRoute({
  getParentRoute: () => organization,
  path: "/runs",
  validateSearch: search.runsSearch,
  loaderDeps: ({ search: filter }) => filter,
  loader: ({ context, params, deps }) => {
    void context.queryClient.prefetchInfiniteQuery(runsQuery(params.org, deps));
  },
  component: lazyRouteComponent(() => import("../features/runs/runs-page"), "RunsPage"),
});

const run = createRoute({
  getParentRoute: () => organization,
  path: "/runs/$runId",
  validateSearch: search.runSearch,
  loader: ({ context, params }) => {
    void context.queryClient.prefetchQuery(runQuery(params.org, params.runId));
    void context.queryClient.prefetchQuery(timelineQuery(params.org, params.runId));
  },
  component: lazyRouteComponent(() => import("../features/runs/run-page"), "RunPage"),
});

const jobs = createRoute({
  getParentRoute: () => organization,
  path: "/jobs",
  validateSearch: search.jobsSearch,
  loaderDeps: ({ search: filter }) => filter,
  loader: ({ context, params, deps }) => {
    void context.queryClient.prefetchInfiniteQuery(jobsQuery(params.org, deps));
  },
  component: lazyRouteComponent(() => import("../features/jobs/jobs-page"), "JobsPage"),
});

const newJob = createRoute({
  getParentRoute: () => organization,
  path: "/jobs/new",
  component: lazyRouteComponent(() => import("../features/jobs/job-wizard-pages"), "NewJobPage"),
});

const job = createRoute({
  getParentRoute: () => organization,
  path: "/jobs/$jobId",
  loader: ({ context, params }) => {
    void context.queryClient.prefetchQuery(jobQuery(params.org, params.jobId));
  },
  component: lazyRouteComponent(() => import("../features/jobs/job-page"), "JobPage"),
});

const editJob = createRoute({
  getParentRoute: () => organization,
  path: "/jobs/$jobId/edit",
  loader: ({ context, params }) => {
    void context.queryClient.prefetchQuery(jobQuery(params.org, params.jobId));
  },
  component: lazyRouteComponent(() => import("../features/jobs/job-wizard-pages"), "EditJobPage"),
});

const snapshots = createRoute({
  getParentRoute: () => organization,
  path: "/snapshots",
  validateSearch: search.snapshotsSearch,
  loaderDeps: ({ search: filter }) => filter,
  loader: ({ context, params, deps }) => {
    void context.queryClient.prefetchInfiniteQuery(snapshotsQuery(params.org, deps));
  },
  component: lazyRouteComponent(() => import("../features/snapshots/snapshots-page"), "SnapshotsPage"),
});

const snapshot = createRoute({
  getParentRoute: () => organization,
  path: "/snapshots/$snapshotId",
  validateSearch: search.snapshotSearch,
  loaderDeps: ({ search: { path } }) => ({ path }),
  loader: ({ context, params, deps }) => {
    void context.queryClient.prefetchQuery(snapshotQuery(params.org, params.snapshotId));
    void context.queryClient.prefetchInfiniteQuery(
      folderQuery(params.org, params.snapshotId, deps.path ?? "/"),
    );
  },
  component: lazyRouteComponent(() => import("../features/snapshots/snapshot-page"), "SnapshotPage"),
});

const restore = createRoute({
  getParentRoute: () => organization,
  path: "/restore",
  validateSearch: search.restoreSearch,
  component: lazyRouteComponent(() => import("../features/restore/restore-page"), "RestorePage"),
});

const repositories = createRoute({
  getParentRoute: () => organization,
  path: "/repositories",
  validateSearch: search.repositoriesSearch,
  loaderDeps: ({ search: { name, sort } }) => ({ name, sort }),
  loader: ({ context, params, deps }) => {
    void context.queryClient.prefetchInfiniteQuery(repositoriesQuery(params.org, deps));
  },
  component: lazyRouteComponent(
    () => import("../features/repositories/repositories-page"),
    "RepositoriesPage",
  ),
});

const repository = createRoute({
  getParentRoute: () => organization,
  path: "/repositories/$repositoryId",
  loader: ({ context, params }) => {
    void context.queryClient.prefetchQuery(repositoryQuery(params.org, params.repositoryId));
  },
  component: lazyRouteComponent(() => import("../features/repositories/repository-page"), "RepositoryPage"),
});

const ofOrganization = [
  overview,
  agents,
  tokens,
  agent,
  runs,
  run,
  jobs,
  newJob,
  job,
  editJob,
  snapshots,
  snapshot,
  restore,
  repositories,
  repository,
] as const;

export const routeTree = root.addChildren([
  signIn,
  signedIn.addChildren([home, organization.addChildren(ofOrganization)]),
]);
