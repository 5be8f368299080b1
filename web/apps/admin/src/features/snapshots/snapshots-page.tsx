import { Button, Checkbox } from "@mantine/core";
import { EmptyState } from "@sbs/ui/states";
import { useFormat } from "@sbs/ui/use-format";
import { IconCamera, IconX } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";

import { ButtonLink, PageLink } from "../../components/link";
import { ListPage } from "../../components/list/list-page";
import { ObjectFilter } from "../../components/object-filter";
import { useSnapshotColumns } from "../../components/snapshot-columns";
import { useOrg } from "../../lib/organization";
import { repositoryQuery } from "../../lib/queries/repositories";
import { askSnapshots, snapshotsQuery, type SnapshotFilter } from "../../lib/queries/snapshots";

export function SnapshotsPage() {
  const org = useOrg();
  const { t } = useTranslation();
  const format = useFormat();
  const filter = useSearch({ from: "/signed-in/o/$org/snapshots" });
  const navigate = useNavigate({ from: "/o/$org/snapshots" });
  const goTo = (search: SnapshotFilter) => void navigate({ search, replace: true });
  const columns = useSnapshotColumns((snapshot, time) => (
    <PageLink to="/o/$org/snapshots/$snapshotId" params={{ org, snapshotId: snapshot.id }}>
      {time}
    </PageLink>
  ));
  return (
    <ListPage
      name="snapshots"
      title={t("pages.snapshots")}
      about={t("snapshots.about")}
      facets={<Facets filter={filter} change={(part) => goTo({ ...filter, ...part })} />}
      filter={filter}
      goTo={goTo}
      list={snapshotsQuery(org, filter)}
      ask={(asked) => askSnapshots(org, asked)}
      columns={columns}
      ownSort="-taken_at"
      nameOf={(snapshot) => format.short(new Date(snapshot.taken_at))}
      open={(snapshot) =>
        void navigate({ to: "/o/$org/snapshots/$snapshotId", params: { org, snapshotId: snapshot.id } })
      }
      empty={
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
      }
    />
  );
}

function Facets({ filter, change }: { filter: SnapshotFilter; change: (part: SnapshotFilter) => void }) {
  const { t } = useTranslation();
  return (
    <>
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
