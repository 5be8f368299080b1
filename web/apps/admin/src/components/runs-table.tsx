import { DataTable } from "@sbs/ui/data-table";
import { useNavigate } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";

import { useOrg } from "../lib/organization";
import type { Run } from "../lib/queries/runs";
import { useRunColumns } from "./run-columns";

interface Props {
  rows: readonly Run[];
  /** Fewer columns, where there is less room. */
  short?: boolean;
}

const SHORT = ["run", "agent", "status", "asked", "duration"];

/** A few runs inside of another page; all of them are on a page of their own. */
export function RunsTable({ rows, short = false }: Props) {
  const org = useOrg();
  const { t } = useTranslation();
  const navigate = useNavigate();
  const columns = useRunColumns().filter(({ id, atFirst }) =>
    short ? SHORT.includes(id) : atFirst !== false,
  );
  return (
    <DataTable
      label={t("pages.runs")}
      columns={columns}
      rows={rows}
      rowKey={(run) => run.id}
      open={(run) => void navigate({ to: "/o/$org/runs/$runId", params: { org, runId: run.id } })}
    />
  );
}
