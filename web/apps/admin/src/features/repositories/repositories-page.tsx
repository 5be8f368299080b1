import { Button } from "@mantine/core";
import { SearchField } from "@sbs/ui/facets";
import { EmptyState } from "@sbs/ui/states";
import { IconDatabase, IconPlus } from "@tabler/icons-react";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";

import { ListPage } from "../../components/list/list-page";
import { useOrg, useRights } from "../../lib/organization";
import {
  askRepositories,
  REPOSITORIES_BY,
  repositoriesQuery,
  type RepositoryFilter,
} from "../../lib/queries/repositories";
import { CreateDialog } from "./create-dialog";
import { useRepositoryColumns } from "./repository-columns";

export function RepositoriesPage() {
  const org = useOrg();
  const { t } = useTranslation();
  const { administer } = useRights();
  const { create, ...filter } = useSearch({ from: "/signed-in/o/$org/repositories" });
  const navigate = useNavigate({ from: "/o/$org/repositories" });
  const goTo = (search: RepositoryFilter) => void navigate({ search, replace: true });
  const dialog = (open: boolean) => void navigate({ search: { ...filter, create: open ? true : undefined } });
  const button = administer ? (
    <Button leftSection={<IconPlus size={16} aria-hidden />} onClick={() => dialog(true)}>
      {t("repositories.create")}
    </Button>
  ) : undefined;
  return (
    <>
      <ListPage
        name="repositories"
        title={t("pages.repositories")}
        about={t("repositories.about")}
        actions={button}
        facets={
          <SearchField
            label={t("field.name")}
            value={filter.name ?? ""}
            change={(name) => goTo({ ...filter, name: name || undefined })}
          />
        }
        filter={filter}
        goTo={goTo}
        list={repositoriesQuery(org, filter)}
        ask={(asked) => askRepositories(org, asked)}
        columns={useRepositoryColumns()}
        ownSort={REPOSITORIES_BY}
        nameOf={(repository) => repository.name}
        open={(repository) =>
          void navigate({
            to: "/o/$org/repositories/$repositoryId",
            params: { org, repositoryId: repository.id },
          })
        }
        empty={
          <EmptyState
            icon={IconDatabase}
            title={t("repositories.none")}
            description={t("repositories.noneText")}
            action={button}
          />
        }
      />
      <CreateDialog opened={create === true && administer} close={() => dialog(false)} />
    </>
  );
}
