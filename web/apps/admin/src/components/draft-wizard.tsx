import { Button, Group } from "@mantine/core";
import { Wizard } from "@sbs/ui/wizard";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";

interface Props {
  steps: readonly string[];
  active: number;
  /** Goes to a step that was done, or stays at the last one. */
  go: (step: number) => void;
  /** Enter, or the button that goes on. */
  submit: () => void;
  /** Throws the draft away; null: nothing is kept yet. */
  discard: (() => void) | null;
  /** What the button of the last step does. */
  lastAct: string;
  isBusy: boolean;
  /** The person may look, but not go on. */
  isOff?: boolean;
  /** A step that is left by choosing something in it needs no buttons. */
  withoutButtons?: boolean;
  children: ReactNode;
}

/** A form in steps whose content is kept as a draft: back at any time, forward by what the owner finds good. */
export function DraftWizard(props: Props) {
  const { steps, active, go, submit, children } = props;
  return (
    <Wizard
      steps={steps}
      active={active}
      go={(to) => to < active && go(to)}
      submit={submit}
      footer={props.withoutButtons === true ? null : <Footer {...props} />}
    >
      {children}
    </Wizard>
  );
}

function Footer({ steps, active, go, discard, lastAct, isBusy, isOff = false }: Props) {
  const { t } = useTranslation();
  return (
    <Group justify="space-between">
      {discard === null ? (
        <span />
      ) : (
        <Button variant="subtle" color="gray" onClick={discard}>
          {t("wizard.discard")}
        </Button>
      )}
      <Group gap="sm">
        {active > 0 ? (
          <Button variant="default" onClick={() => go(active - 1)}>
            {t("wizard.back")}
          </Button>
        ) : null}
        <Button type="submit" disabled={isOff} loading={isBusy}>
          {active < steps.length - 1 ? t("wizard.next") : lastAct}
        </Button>
      </Group>
    </Group>
  );
}
