import { Button, Group, Modal, Text, TextInput } from "@mantine/core";
import { useState, type ReactNode } from "react";
import { useTranslation } from "react-i18next";

interface Props {
  opened: boolean;
  close: () => void;
  title: string;
  /** What will be lost. */
  children: ReactNode;
  /** Has to be typed, where the act can't be undone. */
  name?: string;
  /** The act in a word or two: the text of its button. */
  act: string;
  confirm: () => void;
  busy?: boolean;
  /** Why it was refused. */
  error?: ReactNode;
}

/** Asks before something is lost; for what can't be undone, for its name as well. */
export function ConfirmDangerous(props: Props) {
  const { t } = useTranslation("ui");
  return (
    <Modal
      opened={props.opened}
      onClose={props.close}
      title={props.title}
      closeButtonProps={{ "aria-label": t("close") }}
    >
      <Question {...props} />
    </Modal>
  );
}

function Question({ close, children, name, act, confirm, busy = false, error }: Props) {
  const { t } = useTranslation("ui");
  const [typed, setTyped] = useState("");
  const certain = name === undefined || typed.trim() === name;
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        if (certain && !busy) confirm();
      }}
    >
      <Text component="div" size="md" mb="md">
        {children}
      </Text>
      {name === undefined ? null : (
        <TextInput
          label={t("confirm.typeName", { name })}
          value={typed}
          onChange={(event) => setTyped(event.currentTarget.value)}
          autoComplete="off"
          spellCheck={false}
          data-autofocus
          mb="md"
        />
      )}
      {error}
      <Group justify="flex-end" gap="sm">
        <Button variant="default" onClick={close}>
          {t("cancel")}
        </Button>
        <Button type="submit" color="red" disabled={!certain} loading={busy}>
          {act}
        </Button>
      </Group>
    </form>
  );
}
