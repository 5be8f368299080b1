import { Button } from "@mantine/core";
import { ConfirmDangerous } from "@sbs/ui/confirm-dangerous";
import { useFormat } from "@sbs/ui/use-format";
import { useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";

import { actOnEach, type Outcome } from "../../lib/bulk";
import { showDone } from "../show-problem";
import type { BulkAct } from "./bulk-acts";
import styles from "./bulk-bar.module.css";
import { BulkResult } from "./bulk-result";

interface Props<Row> {
  acts: readonly BulkAct<Row>[];
  /** Those that were chosen. */
  rows: readonly Row[];
  nameOf: (row: Row) => string;
  clear: () => void;
  /** After an act: these are still to be done. */
  keep: (rows: readonly Row[]) => void;
  /** What had the focus is gone: somewhere the reader has to be. */
  leaveFocus: () => void;
}

interface Done<Row> {
  act: BulkAct<Row>;
  outcomes: readonly Outcome<Row>[];
}

/** How many rows are chosen and what can be done with them; at the window's lower edge, so that no row moves. */
export function BulkBar<Row extends { id: string }>(props: Props<Row>) {
  const { acts, rows, nameOf, clear, keep, leaveFocus } = props;
  const { t } = useTranslation();
  const format = useFormat();
  const [asked, ask] = useState<BulkAct<Row> | null>(null);
  const [doing, setDoing] = useState<{ id: string; done: number; of: number } | null>(null);
  const [done, setDone] = useState<Done<Row> | null>(null);
  const [isTold, tell] = useState(false);
  const isThere = rows.length > 0 || doing !== null;
  useFocusLeft(isThere, leaveFocus);

  async function start(act: BulkAct<Row>): Promise<void> {
    ask(null);
    const fitting = rows.filter(act.fits);
    const so = (count: number) => setDoing({ id: act.id, done: count, of: fitting.length });
    so(0);
    const outcomes = await actOnEach(fitting, act.act, so);
    const failed = failedOf({ outcomes });
    setDoing(null);
    keep(failed.map(({ row }) => row));
    setDone({ act, outcomes });
    tell(failed.length > 0);
    if (failed.length === 0)
      showDone(t("bulk.done", { act: act.label, rows: format.count(outcomes.length) }));
  }

  return (
    <>
      {!isThere ? null : (
        <section className={styles.bar} aria-label={t("bulk.bar")}>
          <p className={styles.count} role="status">
            {doing === null
              ? t("bulk.chosen", { count: rows.length, rows: format.count(rows.length) })
              : t("bulk.doing", { done: format.count(doing.done), total: format.count(doing.of) })}
          </p>
          {acts.map((act) => (
            <ActButton
              key={act.id}
              act={act}
              fitting={rows.filter(act.fits).length}
              of={rows.length}
              isBusy={doing?.id === act.id}
              isOff={doing !== null}
              begin={() => (act.question === undefined ? void start(act) : ask(act))}
            />
          ))}
          <Button variant="subtle" color="gray" size="xs" disabled={doing !== null} onClick={clear}>
            {t("bulk.clear")}
          </Button>
        </section>
      )}
      <Question act={asked} rows={rows} nameOf={nameOf} close={() => ask(null)} confirm={start} />
      {/* What it says stays while it fades away. */}
      <BulkResult
        opened={isTold}
        label={done?.act.label ?? ""}
        outcomes={done?.outcomes ?? []}
        isStillChosen={failedOf(done).every(({ row: { id } }) => rows.some((row) => row.id === id))}
        nameOf={nameOf}
        close={() => {
          tell(false);
          leaveFocus();
        }}
      />
    </>
  );
}

function failedOf<Row>(done: Pick<Done<Row>, "outcomes"> | null): readonly Outcome<Row>[] {
  return (done?.outcomes ?? []).filter(({ error }) => error !== null);
}

/** When the bar goes: who was in it, or in the question before an act, is led on; who works elsewhere is left alone. */
function useFocusLeft(isThere: boolean, leave: () => void): void {
  const was = useRef(isThere);
  useEffect(() => {
    const isGone = was.current && !isThere;
    was.current = isThere;
    const at = document.activeElement;
    if (isGone && (at === null || at === document.body || at.closest("[aria-modal=true]") !== null)) leave();
  }, [isThere, leave]);
}

interface ButtonProps<Row> {
  act: BulkAct<Row>;
  fitting: number;
  of: number;
  isBusy: boolean;
  isOff: boolean;
  begin: () => void;
}

function ActButton<Row>({ act, fitting, of, isBusy, isOff, begin }: ButtonProps<Row>) {
  const { t } = useTranslation();
  const format = useFormat();
  const isPart = fitting > 0 && fitting < of;
  return (
    <Button
      variant={act.question === undefined ? "default" : "outline"}
      color={act.question === undefined ? undefined : "red"}
      size="xs"
      leftSection={<act.Icon size={15} aria-hidden />}
      loading={isBusy}
      disabled={fitting === 0 || isOff}
      onClick={begin}
    >
      {isPart ? t("bulk.part", { act: act.label, rows: format.count(fitting) }) : act.label}
    </Button>
  );
}

interface QuestionProps<Row> {
  act: BulkAct<Row> | null;
  rows: readonly Row[];
  nameOf: (row: Row) => string;
  close: () => void;
  confirm: (act: BulkAct<Row>) => Promise<void>;
}

/** Names of so many are said before something is lost; of the rest, how many. */
const NAMED = 8;

function Question<Row>({ act, rows, nameOf, close, confirm }: QuestionProps<Row>) {
  const { t } = useTranslation();
  const fitting = act === null ? [] : rows.filter(act.fits);
  const names = fitting.slice(0, NAMED).map(nameOf).join(", ");
  const more = fitting.length - NAMED;
  return (
    <ConfirmDangerous
      opened={act !== null}
      close={close}
      title={act?.question?.title ?? ""}
      name={act?.question?.typed === true ? String(fitting.length) : undefined}
      act={act?.label ?? ""}
      confirm={() => act !== null && void confirm(act)}
    >
      <p>{act?.question?.text}</p>
      <p className={styles.name}>
        {names} {more > 0 ? t("overview.more", { count: more }) : ""}
      </p>
    </ConfirmDangerous>
  );
}
