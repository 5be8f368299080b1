import { Button, Group, Modal } from "@mantine/core";
import { useFormat } from "@sbs/ui/use-format";
import { useTranslation } from "react-i18next";

import type { Outcome } from "../../lib/bulk";
import { ApiProblem } from "../../lib/problem";
import styles from "./bulk-bar.module.css";

interface Props<Row> {
  opened: boolean;
  /** The act. */
  label: string;
  outcomes: readonly Outcome<Row>[];
  /** Whether those for which it was not done can be tried again at once. */
  isStillChosen: boolean;
  nameOf: (row: Row) => string;
  close: () => void;
}

/** What became of an act on several objects: how many it was done for, and for which it was not, and why. */
export function BulkResult<Row extends { id: string }>({
  opened,
  label,
  outcomes,
  isStillChosen,
  nameOf,
  close,
}: Props<Row>) {
  const { t } = useTranslation();
  const format = useFormat();
  const failed = outcomes.filter(({ error }) => error !== null);
  const done = outcomes.length - failed.length;
  return (
    <Modal
      opened={opened}
      onClose={close}
      title={t("bulk.failedTitle", {
        act: label,
        done: format.count(done),
        failed: format.count(failed.length),
      })}
      closeButtonProps={{ "aria-label": t("act.close") }}
    >
      <ul className={styles.results}>
        {failed.map(({ row, error }) => (
          <li key={row.id}>
            <p className={styles.name}>{nameOf(row)}</p>
            <p className={styles.why}>{reasonOf(error) ?? t("problem.unreachable")}</p>
          </li>
        ))}
      </ul>
      {isStillChosen ? <p>{t("bulk.stillChosen")}</p> : null}
      <Group justify="flex-end" mt="md">
        <Button onClick={close}>{t("act.close")}</Button>
      </Group>
    </Modal>
  );
}

/** What the API said against it; undefined: it said nothing. */
function reasonOf(error: unknown): string | undefined {
  if (!(error instanceof ApiProblem)) return undefined;
  const { detail, hint, errors } = error.body;
  const fields = (errors ?? []).flatMap((field) => [field.message, field.hint]);
  return [...new Set([detail, hint, ...fields])].filter(Boolean).join(" ");
}
