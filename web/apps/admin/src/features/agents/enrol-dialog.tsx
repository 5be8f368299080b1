import { Button, Group, Modal, NumberInput, Select, Stack, TextInput } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import { ProblemView } from "../../components/problem-view";
import { useOrg } from "../../lib/organization";
import { isProblem } from "../../lib/problem";
import { createToken } from "../../lib/queries/agents";
import { EnrolSteps } from "./enrol-steps";

const HOUR_S = 3600;
const LIVES_H = [1, 24, 24 * 7, 24 * 30] as const;

interface Props {
  opened: boolean;
  close: () => void;
}

/** Makes a token and waits for the machine that comes with it. */
export function EnrolDialog({ opened, close }: Props) {
  const { t } = useTranslation();
  return (
    <Modal
      opened={opened}
      onClose={close}
      title={t("agents.enrol")}
      size="lg"
      // The token is on screen once: a click beside the dialog must not throw it away.
      closeOnClickOutside={false}
      closeButtonProps={{ "aria-label": t("act.close") }}
    >
      <EnrolForm close={close} />
    </Modal>
  );
}

function EnrolForm({ close }: { close: () => void }) {
  const org = useOrg();
  const { t } = useTranslation();
  const client = useQueryClient();
  const [name, setName] = useState("");
  const [hours, setHours] = useState<number>(24);
  const [uses, setUses] = useState<number>(1);
  const making = useMutation({
    mutationFn: () =>
      createToken(org, {
        name: name.trim() || t("agents.tokenName"),
        expires_in_s: hours * HOUR_S,
        max_uses: uses,
      }),
    onSuccess: () => client.invalidateQueries({ queryKey: [org, "tokens"] }),
  });
  if (making.data !== undefined) return <EnrolSteps created={making.data} close={close} />;
  const refusal = isProblem(making.error) ? making.error : null;
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        making.mutate();
      }}
    >
      <Stack gap="md">
        {making.isError && refusal?.isAbout(["/name", "/max_uses"]) !== true ? (
          <ProblemView error={making.error} />
        ) : null}
        <TextInput
          label={t("agents.tokenFor")}
          description={t("agents.tokenForHint")}
          placeholder={t("agents.tokenName")}
          value={name}
          onChange={(event) => setName(event.currentTarget.value)}
          error={refusal?.field("/name")}
          data-autofocus
        />
        <Group grow align="flex-start">
          <Select
            label={t("agents.tokenLife")}
            value={String(hours)}
            onChange={(value) => setHours(Number(value))}
            data={LIVES_H.map((life) => ({
              value: String(life),
              label: life < 24 ? t("agents.hours", { count: life }) : t("agents.days", { count: life / 24 }),
            }))}
          />
          <NumberInput
            label={t("agents.tokenUses")}
            min={1}
            max={10_000}
            allowDecimal={false}
            value={uses}
            onChange={(value) => setUses(Number(value) || 1)}
            error={refusal?.field("/max_uses")}
          />
        </Group>
        <Group justify="flex-end" gap="sm">
          <Button variant="default" onClick={close}>
            {t("act.cancel")}
          </Button>
          <Button type="submit" loading={making.isPending}>
            {t("agents.makeToken")}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
