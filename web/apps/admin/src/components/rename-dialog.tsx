import { Button, Group, Modal, TextInput } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import { isProblem } from "../lib/problem";
import { ProblemView } from "./problem-view";

interface Props {
  opened: boolean;
  close: () => void;
  title: string;
  label: string;
  initial: string;
  /** Throws what the server answered. */
  save: (name: string) => Promise<unknown>;
}

/** Gives an object another name. */
export function RenameDialog(props: Props) {
  const { t } = useTranslation();
  return (
    <Modal
      opened={props.opened}
      onClose={props.close}
      title={props.title}
      closeButtonProps={{ "aria-label": t("act.close") }}
    >
      <RenameForm {...props} />
    </Modal>
  );
}

function RenameForm({ close, label, initial, save }: Props) {
  const { t } = useTranslation();
  const [name, setName] = useState(initial);
  const saving = useMutation({ mutationFn: save, onSuccess: close });
  const refusal = isProblem(saving.error) ? saving.error.field("/name") : undefined;
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        saving.mutate(name.trim());
      }}
    >
      {saving.isError && refusal === undefined ? <ProblemView error={saving.error} /> : null}
      <TextInput
        label={label}
        value={name}
        onChange={(event) => setName(event.currentTarget.value)}
        error={refusal}
        data-autofocus
        mb="md"
      />
      <Group justify="flex-end" gap="sm">
        <Button variant="default" onClick={close}>
          {t("act.cancel")}
        </Button>
        <Button type="submit" loading={saving.isPending} disabled={name.trim() === ""}>
          {t("act.save")}
        </Button>
      </Group>
    </form>
  );
}
