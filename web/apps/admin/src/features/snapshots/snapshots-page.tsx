import { Button, Checkbox } from "@mantine/core";
import { FilterBar } from "@sbs/ui/facets";
import { PageHeader } from "@sbs/ui/page-header";
import { EmptyState } from "@sbs/ui/states";
import { IconCamera, IconX } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";

import { ButtonLink, PageLink } from "../../components/link";
import { ObjectFilter } from "../../components/object-filter";
import { QueryView } from "../../components/query-view";
import { SnapshotsTable } from "../../components/snapshots-table";
import { useOrg } from "../../lib/organization";
import { usePages } from "../../lib/queries/pages";
import { repositoryQuery } from "../../lib/queries/repositories";
import { snapshotsQuery, type SnapshotFilter } from "../../lib/queries/snapshots";

export function SnapshotsPage() {
  const org = useOrg();
  const { t } = useTranslation();
  const filter = useSearch({ from: "/signed-in/o/$org/snapshots" });
  const navigate = useNavigate({ from: "/o/$org/snapshots" });
  const { query, rows, more } = usePages(snapshotsQuery(org, filter));
  const change = (part: SnapshotFilter) => void navigate({ search: { ...filter, ...part }, replace: true });
  const isFiltered = Object.values(filter).some((value) => value !== undefined);
  return (
    <>
      <PageHeader title={t("pages.snapshots")} description={t("snapshots.about")} />
      <FilterBar>
        <ObjectFilter kind="agent" value={filter.agent} change={(agent) => change({ agent })} />
        <ObjectFilter kind="job" value={filter.job} change={(job) => change({ job })} />
        <Checkbox
          label={t("snapshots.withForgotten")}
          checked={filter.forgotten === true}
          onChange={(event) => change({ forgotten: event.currentTarget.checked ? true : undefined })}
        />
        {filter.repository === undefined ? null : (
          <RepositoryChip id={filter.repository} clear={() => change({ repository: undefined })} />
        )}
      </FilterBar>
      <QueryView query={query} rows={10}>
        {() =>
          rows.length > 0 ? (
            <SnapshotsTable
              of={filter}
              rows={rows}
              more={more}
              open={(snapshot) =>
                void navigate({
                  to: "/o/$org/snapshots/$snapshotId",
                  params: { org, snapshotId: snapshot.id },
                })
              }
              name={(snapshot, time) => (
                <PageLink to="/o/$org/snapshots/$snapshotId" params={{ org, snapshotId: snapshot.id }}>
                  {time}
                </PageLink>
              )}
            />
          ) : isFiltered ? (
            <EmptyState title={t("list.nothingFound")} description={t("list.changeFilter")} />
          ) : (
            <EmptyState
              icon={IconCamera}
              title={t("snapshots.none")}
              description={t("snapshots.noneText")}
              action={
                <ButtonLink to="/o/$org/jobs" params={{ org }}>
                  {t("runs.toJobs")}
                </ButtonLink>
              }
            />
          )
        }
      </QueryView>
    </>
  );
}

function RepositoryChip({ id, clear }: { id: string; clear: () => void }) {
  const org = useOrg();
  const { t } = useTranslation();
  const { data } = useQuery(repositoryQuery(org, id));
  return (
    <Button variant="light" size="compact-sm" rightSection={<IconX size={14} aria-hidden />} onClick={clear}>
      {t("snapshots.inRepository", { name: data?.name ?? "…" })}
    </Button>
  );
}
