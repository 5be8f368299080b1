import { DataTable } from "@sbs/ui/data-table";
import { FilterBar } from "@sbs/ui/facets";
import { PageHeader } from "@sbs/ui/page-header";
import { EmptyState } from "@sbs/ui/states";
import { useState, type ReactNode } from "react";
import { useTranslation } from "react-i18next";

import { usePages, type Ask, type pagedQuery } from "../../lib/queries/pages";
import { QueryView } from "../query-view";
import type { BulkAct } from "./bulk-acts";
import { BulkBar } from "./bulk-bar";
import { ColumnsMenu } from "./columns-menu";
import { ExportButton } from "./export-button";
import { useColumnChoice, type ListColumn } from "./list-columns";
import { ViewsMenu } from "./views-menu";

interface Props<Row, Filter> {
  /** In the browser's storage and in the names of files. */
  name: string;
  title: string;
  about: string;
  /** At the right of the title. */
  actions?: ReactNode;
  /** Fields and chips that narrow the list. */
  facets: ReactNode;
  /** What the address says: the filter and the order. */
  filter: Filter;
  /** Goes to another address of this list. */
  goTo: (filter: Filter) => void;
  list: ReturnType<typeof pagedQuery<Row>>;
  /** Pages for the exported file. */
  ask: Ask<Row>;
  columns: readonly ListColumn<Row>[];
  /** The order where the address says none. */
  ownSort: string;
  nameOf: (row: Row) => string;
  open: (row: Row) => void;
  /** What can be done with several. */
  acts?: readonly BulkAct<Row>[] | undefined;
  /** Where there is nothing at all yet. */
  empty: ReactNode;
}

/** Every list: its head, its filter, its tools, its table, and acts on several rows. */
export function ListPage<Row extends { id: string }, Filter extends { sort?: string | undefined }>(
  props: Props<Row, Filter>,
) {
  const { t } = useTranslation();
  const { filter, goTo, acts = [] } = props;
  const { query, rows, more } = usePages(props.list);
  const columns = useColumnChoice(props.name, props.columns);
  const [chosen, choose] = useChosen(filter);
  const [acted, setActed] = useState(0);
  const isFiltered = Object.entries(filter).some(([part, value]) => part !== "sort" && value !== undefined);
  return (
    <>
      <PageHeader title={props.title} description={props.about} actions={props.actions} />
      <FilterBar
        tools={
          <>
            <ViewsMenu
              list={props.name}
              present={{ search: { ...filter }, columns: columns.chosen }}
              show={(view) => {
                goTo(view.search as unknown as Filter);
                columns.choose(view.columns);
              }}
            />
            <ColumnsMenu {...columns} />
            <ExportButton
              list={props.name}
              ask={props.ask}
              columns={exported(columns.shown, t("field.id"))}
            />
          </>
        }
      >
        {props.facets}
      </FilterBar>
      <QueryView query={query} rows={10}>
        {() =>
          rows.length > 0 ? (
            <DataTable
              label={props.title}
              columns={columns.shown}
              rows={rows}
              // One's own act is seen at once, wherever the pointer is.
              of={[filter, acted]}
              rowKey={(row) => row.id}
              open={props.open}
              more={more}
              sort={{ by: filter.sort ?? props.ownSort, change: (sort) => goTo({ ...filter, sort }) }}
              selection={acts.length === 0 ? undefined : { chosen, choose, nameOf: props.nameOf }}
            />
          ) : isFiltered ? (
            <EmptyState title={t("list.nothingFound")} description={t("list.changeFilter")} />
          ) : (
            props.empty
          )
        }
      </QueryView>
      <BulkBar
        acts={acts}
        rows={rows.filter((row) => chosen.has(row.id))}
        nameOf={props.nameOf}
        clear={() => choose(new Set())}
        keep={(left) => {
          choose(new Set(left.map((row) => row.id)));
          setActed(acted + 1);
        }}
      />
    </>
  );
}

/** The chosen rows' ids; under another filter nothing is chosen: what is out of sight is not acted upon. */
function useChosen(filter: object): [ReadonlySet<string>, (ids: ReadonlySet<string>) => void] {
  const listed = JSON.stringify(filter);
  const [kept, keep] = useState<{ of: string; ids: ReadonlySet<string> }>({ of: listed, ids: new Set() });
  return [kept.of === listed ? kept.ids : new Set<string>(), (ids) => keep({ of: listed, ids })];
}

/** What the file says: the columns that are shown, and the object's id for whoever works on with it. */
function exported<Row extends { id: string }>(columns: readonly ListColumn<Row>[], id: string) {
  return [
    ...columns.map(({ header, csvHeader, csv }) => ({ header: csvHeader ?? header, value: csv })),
    { header: id, value: (row: Row) => row.id },
  ];
}
