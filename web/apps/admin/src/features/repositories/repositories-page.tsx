import { Button } from "@mantine/core";
import { DataTable, type Column } from "@sbs/ui/data-table";
import { FilterBar, SearchField } from "@sbs/ui/facets";
import { PageHeader } from "@sbs/ui/page-header";
import { Count } from "@sbs/ui/quantities";
import { EmptyState } from "@sbs/ui/states";
import { StatusBadge } from "@sbs/ui/status-badge";
import { IconDatabase, IconPlus } from "@tabler/icons-react";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";

import { PageLink } from "../../components/link";
import { QueryView } from "../../components/query-view";
import { StorageBar } from "../../components/storage-bar";
import { useOrg, useRights } from "../../lib/organization";
import { usePages } from "../../lib/queries/pages";
import { repositoriesQuery, type Repository } from "../../lib/queries/repositories";
import { CreateDialog } from "./create-dialog";

export function RepositoriesPage() {
  const org = useOrg();
  const { t } = useTranslation();
  const { administer } = useRights();
  const { create, ...filter } = useSearch({ from: "/signed-in/o/$org/repositories" });
  const navigate = useNavigate({ from: "/o/$org/repositories" });
  const { query, rows, more } = usePages(repositoriesQuery(org, filter));
  const columns = useColumns();
  const dialog = (open: boolean) => void navigate({ search: { ...filter, create: open ? true : undefined } });
  const button = administer ? (
    <Button leftSection={<IconPlus size={16} aria-hidden />} onClick={() => dialog(true)}>
      {t("repositories.create")}
    </Button>
  ) : undefined;
  return (
    <>
      <PageHeader title={t("pages.repositories")} description={t("repositories.about")} actions={button} />
      <FilterBar>
        <SearchField
          label={t("field.name")}
          value={filter.name ?? ""}
          change={(name) => void navigate({ search: { name: name || undefined }, replace: true })}
        />
      </FilterBar>
      <QueryView query={query}>
        {() =>
          rows.length > 0 ? (
            <DataTable
              label={t("pages.repositories")}
              columns={columns}
              rows={rows}
              of={filter}
              rowKey={(repository) => repository.id}
              open={(repository) =>
                void navigate({
                  to: "/o/$org/repositories/$repositoryId",
                  params: { org, repositoryId: repository.id },
                })
              }
              more={more}
            />
          ) : filter.name === undefined ? (
            <EmptyState
              icon={IconDatabase}
              title={t("repositories.none")}
              description={t("repositories.noneText")}
              action={button}
            />
          ) : (
            <EmptyState title={t("list.nothingFound")} description={t("list.changeFilter")} />
          )
        }
      </QueryView>
      <CreateDialog opened={create === true && administer} close={() => dialog(false)} />
    </>
  );
}

function useColumns(): Column<Repository>[] {
  const org = useOrg();
  const { t } = useTranslation();
  return [
    {
      id: "name",
      header: t("field.name"),
      width: "22%",
      cell: (repository) => (
        <PageLink to="/o/$org/repositories/$repositoryId" params={{ org, repositoryId: repository.id }}>
          {repository.name}
        </PageLink>
      ),
    },
    {
      id: "status",
      header: t("field.status"),
      width: "140px",
      cell: (repository) => <StatusBadge status={repository.problem === null ? "ready" : "unusable"} />,
    },
    {
      id: "path",
      header: t("repositories.path"),
      cell: (repository) => (
        <span className="sbs-mono" title={repository.path}>
          {repository.path}
        </span>
      ),
    },
    {
      id: "snapshots",
      header: t("pages.snapshots"),
      numeric: true,
      width: "100px",
      cell: (repository) => <Count value={repository.snapshots} />,
    },
    {
      id: "space",
      header: t("repositories.space"),
      width: "230px",
      cell: (repository) => <StorageBar place={repository} />,
    },
  ];
}
