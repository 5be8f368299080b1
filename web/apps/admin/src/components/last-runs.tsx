import { Section } from "@sbs/ui/section";
import { EmptyState } from "@sbs/ui/states";
import { IconPlayerPlay } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";

import { useOrg } from "../lib/organization";
import { usePages } from "../lib/queries/pages";
import { LAST_RUNS, lastRunsQuery, type RunFilter } from "../lib/queries/runs";
import { PageLink } from "./link";
import { QueryView } from "./query-view";
import { RunsTable } from "./runs-table";

interface Props {
  /** Whose runs; all of the organization's without it. */
  of?: RunFilter;
  /** What is said before there is a run. */
  none?: { title: string; text: string };
  /** Fewer columns, where there is less room. */
  short?: boolean;
}

/** The newest runs, and the way to all of them. */
export function LastRuns({ of = {}, none, short = false }: Props) {
  const org = useOrg();
  const { t } = useTranslation();
  const { query, rows } = usePages(lastRunsQuery(org, of));
  const { title, text } = none ?? { title: t("runs.none"), text: t("runs.noneText") };
  return (
    <Section
      title={t("overview.lastRuns")}
      flush
      actions={
        <PageLink to="/o/$org/runs" params={{ org }} search={of} size="sm">
          {t("overview.all")}
        </PageLink>
      }
    >
      <QueryView query={query}>
        {() =>
          rows.length === 0 ? (
            <EmptyState icon={IconPlayerPlay} title={title} description={text} />
          ) : (
            <RunsTable rows={rows.slice(0, LAST_RUNS)} short={short} />
          )
        }
      </QueryView>
    </Section>
  );
}
