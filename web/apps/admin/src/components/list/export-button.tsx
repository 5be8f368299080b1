import { Button } from "@mantine/core";
import { useFormat } from "@sbs/ui/use-format";
import { IconDownload, IconPlayerStop } from "@tabler/icons-react";
import { useMutation } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";

import { exportList, saveFile, type ExportColumn } from "../../lib/export-list";
import type { Ask } from "../../lib/queries/pages";
import { showDone, showProblem, showWarning } from "../show-problem";

interface Props<Row> {
  /** The list's name, which the file has too. */
  list: string;
  ask: Ask<Row>;
  columns: readonly ExportColumn<Row>[];
  /** The file has another order than the screen. */
  isReordered: boolean;
}

/** All rows that the filter lets through, as a file; a second click stops it. */
export function ExportButton<Row>({ list, ask, columns, isReordered }: Props<Row>) {
  const { t } = useTranslation();
  const format = useFormat();
  const [rows, told] = useState(0);
  const stop = useRef<AbortController | null>(null);
  useEffect(() => () => stop.current?.abort(), []);
  const exporting = useMutation({
    mutationFn: () => {
      told(0);
      stop.current = new AbortController();
      return exportList(ask, columns, { signal: stop.current.signal, told });
    },
    onSuccess: ({ file, rows: count, cut }) => {
      saveFile(file, fileName(list, cut ? count : null));
      const order = isReordered ? t("list.exportOrder") : "";
      if (!cut) return showDone(t("list.exported", { count, rows: format.count(count) }), order);
      showWarning(t("list.exportCut"), `${t("list.exportCutText", { rows: format.count(count) })} ${order}`);
    },
    onError: (error) => {
      if (stop.current?.signal.aborted !== true) showProblem(error, t);
    },
  });
  if (exporting.isPending) {
    return (
      <Button
        variant="default"
        size="xs"
        leftSection={<IconPlayerStop size={16} aria-hidden />}
        aria-label={t("list.exportStop")}
        onClick={() => stop.current?.abort()}
      >
        {format.count(rows)}
      </Button>
    );
  }
  return (
    <Button
      variant="default"
      size="xs"
      leftSection={<IconDownload size={16} aria-hidden />}
      onClick={() => exporting.mutate()}
    >
      {t("list.export")}
    </Button>
  );
}

/** "runs-2026-11-23.csv"; of a file that is not whole the name says so as well. */
function fileName(list: string, cutAt: number | null): string {
  const day = new Date().toISOString().slice(0, 10);
  return `${list}-${day}${cutAt === null ? "" : `-first-${cutAt}`}.csv`;
}
