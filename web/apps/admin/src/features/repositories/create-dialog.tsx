import { Autocomplete, Button, Group, Modal, Stack, TextInput } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import { ProblemView } from "../../components/problem-view";
import { StorageBar } from "../../components/storage-bar";
import { useOrg } from "../../lib/organization";
import { isProblem } from "../../lib/problem";
import { createRepository, storageRootsQuery, testRepository } from "../../lib/queries/repositories";
import { TestResult } from "./test-result";

interface Props {
  opened: boolean;
  close: () => void;
}

/** Makes a repository: name, folder, a test of the folder, and then for real. */
export function CreateDialog({ opened, close }: Props) {
  const { t } = useTranslation();
  return (
    <Modal
      opened={opened}
      onClose={close}
      title={t("repositories.create")}
      size="lg"
      closeButtonProps={{ "aria-label": t("act.close") }}
    >
      <CreateForm close={close} />
    </Modal>
  );
}

function CreateForm({ close }: { close: () => void }) {
  const org = useOrg();
  const { t } = useTranslation();
  const navigate = useNavigate();
  const client = useQueryClient();
  const [name, setName] = useState("");
  const [folder, setFolder] = useState("");
  const roots = useQuery(storageRootsQuery(org));
  const testing = useMutation({ mutationFn: () => testRepository(org, folder) });
  const making = useMutation({
    mutationFn: () => createRepository(org, name.trim(), folder),
    onSuccess: async (made) => {
      await client.invalidateQueries({ queryKey: [org, "repositories"] });
      await navigate({ to: "/o/$org/repositories/$repositoryId", params: { org, repositoryId: made.id } });
    },
  });
  const problem = [making.error, testing.error].find((error) => error !== null);
  const refusal = isProblem(problem) ? problem : null;
  const isAboutField = refusal?.isAbout(["/name", "/path"]) === true;
  const chosenRoot = roots.data?.items.find(
    (root) => folder === root.path || folder.startsWith(`${root.path}/`),
  );

  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        testing.reset();
        making.mutate();
      }}
    >
      <Stack gap="md">
        {problem !== undefined && !isAboutField ? <ProblemView error={problem} /> : null}
        <TextInput
          label={t("field.name")}
          value={name}
          onChange={(event) => setName(event.currentTarget.value)}
          error={refusal?.field("/name")}
          data-autofocus
        />
        <Autocomplete
          label={t("repositories.path")}
          description={t("repositories.pathHint")}
          value={folder}
          onChange={(value) => {
            setFolder(value);
            testing.reset();
            making.reset();
          }}
          data={(roots.data?.items ?? []).map((root) => `${root.path}/`)}
          error={refusal?.field("/path")}
          spellCheck={false}
          autoComplete="off"
        />
        {chosenRoot === undefined ? null : <StorageBar place={chosenRoot} />}
        {testing.data === undefined ? null : <TestResult result={testing.data} />}
        <Group justify="space-between" gap="sm">
          <Button
            variant="default"
            onClick={() => testing.mutate()}
            loading={testing.isPending}
            disabled={folder === ""}
          >
            {t("repositories.test")}
          </Button>
          <Group gap="sm">
            <Button variant="default" onClick={close}>
              {t("act.cancel")}
            </Button>
            <Button type="submit" loading={making.isPending} disabled={name.trim() === "" || folder === ""}>
              {t("act.create")}
            </Button>
          </Group>
        </Group>
      </Stack>
    </form>
  );
}
