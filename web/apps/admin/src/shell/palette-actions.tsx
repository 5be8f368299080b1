import type { SpotlightActionGroupData } from "@mantine/spotlight";
import {
  IconCalendarRepeat,
  IconDatabase,
  IconDeviceDesktop,
  IconLanguage,
  IconPlayerPlay,
  IconPlus,
} from "@tabler/icons-react";
import { useInfiniteQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";

import { showDone, showProblem } from "../components/show-problem";
import { useOrg, useRights } from "../lib/organization";
import { agentsQuery } from "../lib/queries/agents";
import { jobsQuery, runJob, type Job } from "../lib/queries/jobs";
import { repositoriesQuery } from "../lib/queries/repositories";
import { useLanguage } from "../lib/use-language";
import { PAGES } from "./pages";

const ICON = { size: 18, stroke: 1.6, "aria-hidden": true } as const;
/** Fewer letters find too much. */
const SHORTEST_QUERY = 2;
/** Of each kind. */
const MOST_FOUND = 6;

/** Pages, and acts that need no object. */
export function usePageActions(): SpotlightActionGroupData[] {
  const org = useOrg();
  const { t } = useTranslation();
  const navigate = useNavigate();
  const { operate, administer } = useRights();
  const [locale, changeLocale] = useLanguage();
  const other = locale === "en" ? "ru" : "en";
  const params = { org };
  const pages = PAGES.filter((page) => operate || !page.acts).map(({ to, name, Icon }) => ({
    id: `page:${name}`,
    label: t(`pages.${name}`),
    leftSection: <Icon {...ICON} />,
    onClick: () => void navigate({ to, params }),
  }));
  const make = (id: string, label: string, go: () => void) => ({
    id: `act:${id}`,
    label,
    leftSection: <IconPlus {...ICON} />,
    onClick: go,
  });
  const acts = [
    make("job", t("jobs.create"), () => void navigate({ to: "/o/$org/jobs/new", params })),
    make(
      "enrol",
      t("agents.enrol"),
      () => void navigate({ to: "/o/$org/agents", params, search: { enrol: true } }),
    ),
  ];
  const administration = [
    make(
      "repository",
      t("repositories.create"),
      () => void navigate({ to: "/o/$org/repositories", params, search: { create: true } }),
    ),
  ];
  const language = {
    id: "act:language",
    label: t("palette.switchLanguage"),
    leftSection: <IconLanguage {...ICON} />,
    onClick: () => void changeLocale(other),
  };
  return [
    { group: t("palette.pages"), actions: pages },
    {
      group: t("palette.acts"),
      actions: [...(operate ? acts : []), ...(administer ? administration : []), language],
    },
  ];
}

/** Objects whose names hold what was typed, and what can be done with them. The server has searched. */
export function useFoundObjects(query: string): SpotlightActionGroupData[] {
  const org = useOrg();
  const { t } = useTranslation();
  const navigate = useNavigate();
  const { operate } = useRights();
  const run = useRunNow();
  const enabled = query.length >= SHORTEST_QUERY;
  const agents = useInfiniteQuery({ ...agentsQuery(org, { q: query }), enabled });
  const jobs = useInfiniteQuery({ ...jobsQuery(org, { name: query }), enabled });
  const repositories = useInfiniteQuery({ ...repositoriesQuery(org, { name: query }), enabled });
  if (!enabled) return [];
  const foundJobs = (jobs.data?.pages[0]?.items ?? []).slice(0, MOST_FOUND);
  return [
    {
      group: t("pages.jobs"),
      actions: foundJobs.map((job) => ({
        id: job.id,
        label: job.name,
        keywords: query,
        leftSection: <IconCalendarRepeat {...ICON} />,
        onClick: () => void navigate({ to: "/o/$org/jobs/$jobId", params: { org, jobId: job.id } }),
      })),
    },
    {
      group: t("palette.acts"),
      actions: (operate ? foundJobs : []).map((job) => ({
        id: `run:${job.id}`,
        label: t("palette.runJob", { name: job.name }),
        keywords: query,
        leftSection: <IconPlayerPlay {...ICON} />,
        onClick: () => run(job),
      })),
    },
    {
      group: t("pages.agents"),
      actions: (agents.data?.pages[0]?.items ?? []).slice(0, MOST_FOUND).map((agent) => ({
        id: agent.id,
        label: agent.name,
        description: agent.hostname === agent.name ? undefined : agent.hostname,
        keywords: query,
        leftSection: <IconDeviceDesktop {...ICON} />,
        onClick: () => void navigate({ to: "/o/$org/agents/$agentId", params: { org, agentId: agent.id } }),
      })),
    },
    {
      group: t("pages.repositories"),
      actions: (repositories.data?.pages[0]?.items ?? []).slice(0, MOST_FOUND).map((repository) => ({
        id: repository.id,
        label: repository.name,
        keywords: query,
        leftSection: <IconDatabase {...ICON} />,
        onClick: () =>
          void navigate({
            to: "/o/$org/repositories/$repositoryId",
            params: { org, repositoryId: repository.id },
          }),
      })),
    },
  ];
}

/** Starts a job and goes to its run, where there is one. */
function useRunNow(): (job: Job) => void {
  const org = useOrg();
  const { t } = useTranslation();
  const navigate = useNavigate();
  return (job) => {
    runJob(org, job.id).then(
      ({ items }) => {
        const [first] = items;
        showDone(t("jobs.started", { count: items.length }), job.name);
        if (items.length === 1 && first !== undefined) {
          void navigate({ to: "/o/$org/runs/$runId", params: { org, runId: first.id } });
        }
      },
      (error: unknown) => showProblem(error, t),
    );
  };
}
