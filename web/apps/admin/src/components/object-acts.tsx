import { Button } from "@mantine/core";
import { ConfirmDangerous } from "@sbs/ui/confirm-dangerous";
import { IconPencil } from "@tabler/icons-react";
import { useMutation } from "@tanstack/react-query";
import { useState, type ReactNode } from "react";
import { useTranslation } from "react-i18next";

import { ProblemView } from "./problem-view";
import { RenameDialog } from "./rename-dialog";

interface RenameProps {
  /** Of the dialog: what gets another name. */
  title: string;
  name: string;
  /** Throws what the server answered. */
  save: (name: string) => Promise<unknown>;
}

/** The act that gives an object another name. */
export function RenameAct({ title, name, save }: RenameProps) {
  const { t } = useTranslation();
  const [asked, ask] = useState(false);
  return (
    <>
      <Button variant="default" leftSection={<IconPencil size={16} aria-hidden />} onClick={() => ask(true)}>
        {t("act.rename")}
      </Button>
      <RenameDialog
        opened={asked}
        close={() => ask(false)}
        title={title}
        label={t("field.name")}
        initial={name}
        save={save}
      />
    </>
  );
}

interface DangerousProps {
  /** The act: on the button here and on the one in the question. */
  label: string;
  title: string;
  /** What will be lost. */
  children: ReactNode;
  /** Asked for where it can't be undone. */
  name?: string;
  /** Throws what the server answered. */
  act: () => Promise<unknown>;
}

/** An act by which something is lost, with the question before it. */
export function DangerousAct({ label, title, children, name, act }: DangerousProps) {
  const [asked, ask] = useState(false);
  const acting = useMutation({ mutationFn: act, onSuccess: () => ask(false) });
  return (
    <>
      <Button
        variant="outline"
        color="red"
        onClick={() => {
          acting.reset(); // an old refusal is no answer to a new question
          ask(true);
        }}
      >
        {label}
      </Button>
      <ConfirmDangerous
        opened={asked}
        close={() => ask(false)}
        title={title}
        name={name}
        act={label}
        confirm={() => acting.mutate()}
        busy={acting.isPending}
        error={acting.isError ? <ProblemView error={acting.error} /> : null}
      >
        {children}
      </ConfirmDangerous>
    </>
  );
}
