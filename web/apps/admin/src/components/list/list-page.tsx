import { DataTable } from "@sbs/ui/data-table";
import { FilterBar } from "@sbs/ui/facets";
import { PageHeader } from "@sbs/ui/page-header";
import { EmptyState } from "@sbs/ui/states";
import { useRef, useState, type ReactNode } from "react";
import { useTranslation } from "react-i18next";

import { exportOrder } from "../../lib/export-list";
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
  /** Pages for the exported file, of this filter and in this order. */
  ask: (filter: Filter) => Ask<Row>;
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
  const [chosen, choose, leave] = useChosen(filter);
  const [acted, setActed] = useState(0);
  const table = useRef<HTMLDivElement>(null);
  const order = filter.sort ?? props.ownSort;
  const fileOrder = exportOrder(order);
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
              ask={props.ask(fileOrder === order ? filter : { ...filter, sort: fileOrder })}
              columns={exported(columns.shown, t("field.id"))}
              isReordered={fileOrder !== order}
            />
          </>
        }
      >
        {props.facets}
      </FilterBar>
      <div ref={table}>
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
                sort={{ by: order, change: (sort) => goTo({ ...filter, sort }) }}
                selection={acts.length === 0 ? undefined : { chosen, choose, nameOf: props.nameOf }}
              />
            ) : isFiltered ? (
              <EmptyState title={t("list.nothingFound")} description={t("list.changeFilter")} />
            ) : (
              props.empty
            )
          }
        </QueryView>
      </div>
      <BulkBar
        acts={acts}
        rows={rows.filter((row) => chosen.has(row.id))}
        nameOf={props.nameOf}
        clear={() => choose(new Set())}
        keep={(left) => {
          leave(new Set(left.map((row) => row.id)));
          setActed((before) => before + 1);
        }}
        leaveFocus={() => focusTable(table.current)}
      />
    </>
  );
}

type Choose = (ids: ReadonlySet<string>) => void;

/**
 * The chosen rows' ids; under another filter nothing is chosen: what is out of sight is not acted upon. The second
 * function says what an act has left of them: of its own filter's rows, whatever has been chosen under another since.
 */
function useChosen(filter: object): [ReadonlySet<string>, Choose, Choose] {
  const of = JSON.stringify(filter);
  const [kept, keep] = useState<{ of: string; ids: ReadonlySet<string> }>({ of, ids: new Set() });
  return [
    kept.of === of ? kept.ids : new Set<string>(),
    (ids) => keep({ of, ids }),
    (ids) => keep((present) => (present.of === of ? { of, ids } : present)),
  ];
}

/** Where the reader is after an act: at the table's first control, the box for all; else at the page's content. */
function focusTable(place: HTMLElement | null): void {
  const control = place?.querySelector<HTMLElement>("thead input, thead button") ?? place?.closest("main");
  control?.focus();
}

/** What the file says: the columns that are shown, and the object's id for whoever works on with it. */
function exported<Row extends { id: string }>(columns: readonly ListColumn<Row>[], id: string) {
  return [
    ...columns.map(({ header, csvHeader, csv }) => ({ header: csvHeader ?? header, value: csv })),
    { header: id, value: (row: Row) => row.id },
  ];
}
