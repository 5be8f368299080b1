import { DataTable, type Column } from "@sbs/ui/data-table";
import { SearchField } from "@sbs/ui/facets";
import { Section } from "@sbs/ui/section";
import { EmptyState } from "@sbs/ui/states";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";

import { QueryView } from "../../components/query-view";
import { useOrg } from "../../lib/organization";
import { usePages } from "../../lib/queries/pages";
import { warningsQuery, type RunDetail, type Warning } from "../../lib/queries/runs";
import type texts from "../../messages/en.json";

type Known = keyof typeof texts.warnings;

/** Each file that was not read or not restored, or not as it was. */
export function RunWarnings({ run }: { run: RunDetail }) {
  const org = useOrg();
  const { t } = useTranslation();
  const { warning: text = "" } = useSearch({ from: "/signed-in/o/$org/runs/$runId" });
  const navigate = useNavigate({ from: "/o/$org/runs/$runId" });
  const { query, rows, more } = usePages(warningsQuery(org, run.id, text));
  const columns: Column<Warning>[] = [
    {
      id: "path",
      header: t("field.file"),
      cell: (warning) => (
        <span className="sbs-mono" title={warning.path}>
          {warning.path}
        </span>
      ),
    },
    {
      id: "kind",
      header: t("runs.warningKind"),
      width: "230px",
      cell: (warning) => <Kind code={warning.code} />,
    },
    {
      id: "message",
      header: t("runs.reason"),
      cell: (warning) => <span title={warning.message}>{warning.message}</span>,
    },
    {
      id: "attempt",
      header: t("runs.attempt"),
      width: "90px",
      numeric: true,
      cell: (warning) => warning.attempt,
    },
  ];
  return (
    <Section
      title={t("runs.warnings", { count: run.warnings_total })}
      flush
      actions={
        <SearchField
          label={t("runs.searchWarnings")}
          value={text}
          change={(warning) => void navigate({ search: { warning: warning || undefined }, replace: true })}
        />
      }
    >
      <QueryView query={query}>
        {() =>
          rows.length === 0 ? (
            <EmptyState title={t("list.nothingFound")} description={t("list.changeFilter")} />
          ) : (
            <DataTable
              label={t("runs.warningsTable")}
              columns={columns}
              rows={rows}
              of={text}
              rowKey={(warning) => warning.id}
              more={more}
            />
          )
        }
      </QueryView>
    </Section>
  );
}

/** What happened, in words. A newer agent may know codes that have none here yet: they stand for themselves. */
function Kind({ code }: { code: string }) {
  const { t } = useTranslation();
  const words = t(`warnings.${code as Known}`, { defaultValue: code });
  return <span title={words}>{words}</span>;
}
