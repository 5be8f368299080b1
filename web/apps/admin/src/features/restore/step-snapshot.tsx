import { DataTable } from "@sbs/ui/data-table";
import { FilterBar } from "@sbs/ui/facets";
import { EmptyState } from "@sbs/ui/states";
import { IconCamera } from "@tabler/icons-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import { ObjectFilter } from "../../components/object-filter";
import { QueryView } from "../../components/query-view";
import { useSnapshotColumns } from "../../components/snapshot-columns";
import { useOrg } from "../../lib/organization";
import { usePages } from "../../lib/queries/pages";
import { snapshotsQuery, type Snapshot, type SnapshotFilter } from "../../lib/queries/snapshots";
import { ofSnapshot } from "./restore-draft";
import type { StepProps } from "./restore-page";
import styles from "./step-snapshot.module.css";

/** Which point in time. */
export function StepSnapshot({ draft, set }: StepProps) {
  const org = useOrg();
  const { t } = useTranslation();
  const [filter, setFilter] = useState<SnapshotFilter>({});
  const { query, rows, more } = usePages(snapshotsQuery(org, filter));
  const choose = (snapshot: Snapshot) => {
    const isSame = snapshot.id === draft.snapshotId;
    set({
      ...ofSnapshot(snapshot),
      step: 1,
      ...(isSame ? {} : { paths: [], folder: "/", everything: false }),
    });
  };
  const columns = useSnapshotColumns((snapshot, time) => (
    <button
      type="button"
      className={styles.choose}
      aria-pressed={snapshot.id === draft.snapshotId}
      onClick={() => choose(snapshot)}
    >
      {time}
    </button>
  ));
  return (
    <>
      <FilterBar>
        <ObjectFilter
          kind="agent"
          value={filter.agent}
          change={(agent) => setFilter((before) => ({ ...before, agent }))}
        />
        <ObjectFilter
          kind="job"
          value={filter.job}
          change={(job) => setFilter((before) => ({ ...before, job }))}
        />
      </FilterBar>
      <QueryView query={query} rows={8}>
        {() =>
          rows.length === 0 ? (
            <EmptyState icon={IconCamera} title={t("snapshots.none")} description={t("snapshots.noneText")} />
          ) : (
            <DataTable
              label={t("pages.snapshots")}
              columns={columns}
              rows={rows}
              of={filter}
              rowKey={(snapshot) => snapshot.id}
              open={choose}
              more={more}
              sort={{
                by: filter.sort ?? "-taken_at",
                change: (by) => setFilter((before) => ({ ...before, sort: by as SnapshotFilter["sort"] })),
              }}
            />
          )
        }
      </QueryView>
    </>
  );
}
