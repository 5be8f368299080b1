import { CopyableId } from "@sbs/ui/copyable-id";
import { RelativeTime } from "@sbs/ui/relative-time";
import { Facts, Section } from "@sbs/ui/section";
import { useTranslation } from "react-i18next";

import { PageLink } from "../../components/link";
import { useAgentNames, useRepositoryNames } from "../../components/use-names";
import { useOrg } from "../../lib/organization";
import type { JobDetail } from "../../lib/queries/jobs";

/** More machines than these are a number. */
const NAMED = 12;

export function JobFacts({ job }: { job: JobDetail }) {
  const { t } = useTranslation();
  const masks = [
    { label: t("jobs.excludes"), list: job.excludes },
    { label: t("jobs.includes"), list: job.includes },
  ].filter(({ list }) => list.length > 0);
  return (
    <Section title={t("jobs.facts")}>
      <Facts
        items={[
          { label: t("jobs.sources"), value: <Lines lines={job.sources} /> },
          ...masks.map(({ label, list }) => ({ label, value: <Lines lines={list} /> })),
          { label: t("pages.agents"), value: <Agents ids={job.agent_ids} /> },
          { label: t("pages.repositories"), value: <Repositories ids={job.repository_ids} /> },
          {
            label: t("jobs.retention"),
            value: job.keep_last === null ? t("jobs.keepAll") : t("jobs.keepLast", { count: job.keep_last }),
          },
          { label: t("jobs.compression"), value: t(`compression.${job.compression}`) },
          { label: t("jobs.changed"), value: <RelativeTime at={job.updated_at} /> },
          { label: t("field.id"), value: <CopyableId id={job.id} /> },
        ]}
      />
    </Section>
  );
}

function Lines({ lines }: { lines: readonly string[] }) {
  return lines.map((line) => (
    <div key={line} className="sbs-mono">
      {line}
    </div>
  ));
}

function Agents({ ids }: { ids: readonly string[] }) {
  const org = useOrg();
  const { t } = useTranslation();
  const names = useAgentNames(ids.slice(0, NAMED));
  return (
    <>
      {ids.slice(0, NAMED).map((id) => (
        <div key={id}>
          <PageLink to="/o/$org/agents/$agentId" params={{ org, agentId: id }}>
            {names.get(id) ?? "…"}
          </PageLink>
        </div>
      ))}
      {ids.length > NAMED ? t("restore.andMore", { count: ids.length - NAMED }) : null}
    </>
  );
}

function Repositories({ ids }: { ids: readonly string[] }) {
  const org = useOrg();
  const names = useRepositoryNames(ids);
  return ids.map((id) => (
    <div key={id}>
      <PageLink to="/o/$org/repositories/$repositoryId" params={{ org, repositoryId: id }}>
        {names.get(id) ?? "…"}
      </PageLink>
    </div>
  ));
}
