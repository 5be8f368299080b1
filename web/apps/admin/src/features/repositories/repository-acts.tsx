import { Button } from "@mantine/core";
import { ConfirmDangerous } from "@sbs/ui/confirm-dangerous";
import { IconPencil } from "@tabler/icons-react";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import { ButtonLink } from "../../components/link";
import { ProblemView } from "../../components/problem-view";
import { RenameDialog } from "../../components/rename-dialog";
import { useOrg, useRights } from "../../lib/organization";
import { deleteRepository, renameRepository, type RepositoryDetail } from "../../lib/queries/repositories";

export function RepositoryActs({ repository }: { repository: RepositoryDetail }) {
  const org = useOrg();
  const { t } = useTranslation();
  const { administer } = useRights();
  const client = useQueryClient();
  const navigate = useNavigate();
  const [dialog, show] = useState<"rename" | "delete" | null>(null);
  const close = () => show(null);
  const deleting = useMutation({
    mutationFn: () => deleteRepository(org, repository.id),
    onSuccess: async () => {
      await navigate({ to: "/o/$org/repositories", params: { org } });
      await client.invalidateQueries({ queryKey: [org, "repositories", "list"] });
    },
  });
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
          <Button
            variant="default"
            leftSection={<IconPencil size={16} aria-hidden />}
            onClick={() => show("rename")}
          >
            {t("act.rename")}
          </Button>
          <Button variant="outline" color="red" onClick={() => show("delete")}>
            {t("act.delete")}
          </Button>
        </>
      ) : null}
      <RenameDialog
        opened={dialog === "rename"}
        close={close}
        title={t("repositories.renameTitle")}
        label={t("field.name")}
        initial={repository.name}
        save={async (name) => {
          await renameRepository(org, repository, name);
          await client.invalidateQueries({ queryKey: [org, "repositories"] });
        }}
      />
      <ConfirmDangerous
        opened={dialog === "delete"}
        close={close}
        title={t("repositories.deleteTitle")}
        name={repository.name}
        act={t("act.delete")}
        confirm={() => deleting.mutate()}
        busy={deleting.isPending}
        error={deleting.isError ? <ProblemView error={deleting.error} /> : null}
      >
        {t("repositories.deleteText")}
      </ConfirmDangerous>
    </>
  );
}
