import { useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";

import { ButtonLink } from "../../components/link";
import { DangerousAct, RenameAct } from "../../components/object-acts";
import { leave } from "../../lib/live/leaving";
import { useOrg, useRights } from "../../lib/organization";
import { deleteRepository, renameRepository, type RepositoryDetail } from "../../lib/queries/repositories";

/** What one can do with a repository. */
export function RepositoryActs({ repository }: { repository: RepositoryDetail }) {
  const org = useOrg();
  const { t } = useTranslation();
  const { administer } = useRights();
  const client = useQueryClient();
  const navigate = useNavigate();
  return (
    <>
      <ButtonLink
        to="/o/$org/snapshots"
        params={{ org }}
        search={{ repository: repository.id }}
        variant="default"
      >
        {t("pages.snapshots")}
      </ButtonLink>
      {administer ? (
        <>
          <RenameAct
            title={t("repositories.renameTitle")}
            name={repository.name}
            save={async (name) => {
              await renameRepository(org, repository, name);
              await client.invalidateQueries({ queryKey: [org, "repositories"] });
            }}
          />
          <DangerousAct
            label={t("act.delete")}
            title={t("repositories.deleteTitle")}
            name={repository.name}
            act={() =>
              leave(client, repository.id, async () => {
                await deleteRepository(org, repository.id);
                await navigate({ to: "/o/$org/repositories", params: { org } });
                await client.invalidateQueries({ queryKey: [org, "repositories", "list"] });
              })
            }
          >
            {t("repositories.deleteText")}
          </DangerousAct>
        </>
      ) : null}
    </>
  );
}
