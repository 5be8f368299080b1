import { CopyableId } from "@sbs/ui/copyable-id";
import { DataTable, type Column } from "@sbs/ui/data-table";
import { PageHeader } from "@sbs/ui/page-header";
import { Count } from "@sbs/ui/quantities";
import { RelativeTime } from "@sbs/ui/relative-time";
import { Facts, Section } from "@sbs/ui/section";
import { EmptyState, Notice } from "@sbs/ui/states";
import { StatusBadge } from "@sbs/ui/status-badge";
import type { Status } from "@sbs/ui/status-list";
import { useQuery } from "@tanstack/react-query";
import { useParams } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";

import { PageLink } from "../../components/link";
import { QueryView } from "../../components/query-view";
import { StorageBar } from "../../components/storage-bar";
import { useOrg } from "../../lib/organization";
import { repositoryQuery, type RepositoryDetail } from "../../lib/queries/repositories";
import { RepositoryActs } from "./repository-acts";

type Inner = RepositoryDetail["restic_repositories"][number];

const STATUS: Record<Inner["state"], Status> = {
  pending: "waiting",
  ready: "ready",
  quarantined: "unusable",
};

export function RepositoryPage() {
  const org = useOrg();
  const { repositoryId } = useParams({ from: "/signed-in/o/$org/repositories/$repositoryId" });
  const query = useQuery(repositoryQuery(org, repositoryId));
  return <QueryView query={query}>{(repository) => <RepositoryView repository={repository} />}</QueryView>;
}

function RepositoryView({ repository }: { repository: RepositoryDetail }) {
  const org = useOrg();
  const { t } = useTranslation();
  return (
    <>
      <PageHeader
        trail={
          <PageLink to="/o/$org/repositories" params={{ org }}>
            {t("pages.repositories")}
          </PageLink>
        }
        title={repository.name}
        status={<StatusBadge status={repository.problem === null ? "ready" : "unusable"} />}
        description={<span className="sbs-mono sbs-path">{repository.path}</span>}
        actions={<RepositoryActs repository={repository} />}
      />
      {repository.problem === null ? null : (
        <Notice tone="failed" title={repository.problem.message}>
          {repository.problem.hint}
        </Notice>
      )}
      <Section title={t("repositories.facts")}>
        <Facts
          items={[
            { label: t("repositories.space"), value: <StorageBar place={repository} /> },
            { label: t("pages.snapshots"), value: <Count value={repository.snapshots} /> },
            { label: t("field.created"), value: <RelativeTime at={repository.created_at} /> },
            { label: t("field.id"), value: <CopyableId id={repository.id} /> },
          ]}
        />
      </Section>
      <InnerRepositories rows={repository.restic_repositories} />
    </>
  );
}

/** One repository in restic's sense for each machine. */
function InnerRepositories({ rows }: { rows: readonly Inner[] }) {
  const org = useOrg();
  const { t } = useTranslation();
  const columns: Column<Inner>[] = [
    {
      id: "agent",
      header: t("field.agent"),
      width: "24%",
      cell: (inner) =>
        inner.agent_id === null ? (
          (inner.agent_name ?? "–")
        ) : (
          <PageLink to="/o/$org/agents/$agentId" params={{ org, agentId: inner.agent_id }}>
            {inner.agent_name ?? inner.agent_id}
          </PageLink>
        ),
    },
    {
      id: "status",
      header: t("field.status"),
      width: "140px",
      cell: (inner) => <StatusBadge status={STATUS[inner.state]} />,
    },
    {
      id: "path",
      header: t("repositories.path"),
      cell: (inner) => (
        <span className="sbs-mono" title={inner.path}>
          {inner.path}
        </span>
      ),
    },
    { id: "reason", header: t("runs.reason"), cell: (inner) => inner.state_reason ?? "–" },
    {
      id: "restic",
      minor: true,
      header: t("repositories.resticId"),
      width: "150px",
      cell: (inner) => (inner.restic_id === null ? "–" : <CopyableId id={inner.restic_id} short="start" />),
    },
  ];
  return (
    <Section title={t("repositories.inner")} flush>
      {rows.length === 0 ? (
        <EmptyState title={t("repositories.innerNone")} description={t("repositories.innerNoneText")} />
      ) : (
        <DataTable
          label={t("repositories.inner")}
          columns={columns}
          rows={rows}
          rowKey={(inner) => inner.id}
        />
      )}
    </Section>
  );
}
