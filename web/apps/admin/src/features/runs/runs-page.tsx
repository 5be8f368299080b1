import { Button } from "@mantine/core";
import { FacetChips, FilterBar } from "@sbs/ui/facets";
import { PageHeader } from "@sbs/ui/page-header";
import { EmptyState } from "@sbs/ui/states";
import { IconPlayerPlay, IconX } from "@tabler/icons-react";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";

import { ButtonLink } from "../../components/link";
import { ObjectFilter } from "../../components/object-filter";
import { QueryView } from "../../components/query-view";
import { RunsTable } from "../../components/runs-table";
import { useOrg } from "../../lib/organization";
import { usePages } from "../../lib/queries/pages";
import { runsQuery, type RunFilter } from "../../lib/queries/runs";

const STATES = [
  "waiting",
  "running",
  "succeeded",
  "completed_with_warnings",
  "partial",
  "failed",
  "cancelled",
] as const;
const KINDS = ["backup", "restore"] as const;

export function RunsPage() {
  const org = useOrg();
  const { t } = useTranslation();
  const filter = useSearch({ from: "/signed-in/o/$org/runs" });
  const navigate = useNavigate({ from: "/o/$org/runs" });
  const { query, rows, more } = usePages(runsQuery(org, filter));
  const change = (part: RunFilter) => void navigate({ search: { ...filter, ...part }, replace: true });
  const isFiltered = Object.values(filter).some((value) => value !== undefined);
  return (
    <>
      <PageHeader title={t("pages.runs")} description={t("runs.about")} />
      <FilterBar>
        <ObjectFilter kind="job" value={filter.job} change={(job) => change({ job })} />
        <ObjectFilter kind="agent" value={filter.agent} change={(agent) => change({ agent })} />
        <FacetChips
          label={t("runs.kind")}
          options={KINDS.map((kind) => ({ value: kind, label: t(`kinds.${kind}`) }))}
          value={filter.kind}
          change={(kind) => change({ kind })}
        />
        <FacetChips
          label={t("field.status")}
          options={STATES.map((state) => ({ value: state, label: t(`status.${state}`, { ns: "ui" }) }))}
          value={filter.state}
          change={(state) => change({ state })}
        />
        {filter.day === undefined ? null : (
          <Button
            variant="light"
            size="compact-sm"
            rightSection={<IconX size={14} aria-hidden />}
            onClick={() => change({ day: undefined })}
          >
            {t("runs.onDay", { day: filter.day })}
          </Button>
        )}
      </FilterBar>
      <QueryView query={query} rows={10}>
        {() =>
          rows.length > 0 ? (
            <RunsTable of={filter} rows={rows} more={more} />
          ) : isFiltered ? (
            <EmptyState title={t("list.nothingFound")} description={t("list.changeFilter")} />
          ) : (
            <EmptyState
              icon={IconPlayerPlay}
              title={t("runs.none")}
              description={t("runs.noneText")}
              action={
                <ButtonLink to="/o/$org/jobs" params={{ org }}>
                  {t("runs.toJobs")}
                </ButtonLink>
              }
            />
          )
        }
      </QueryView>
    </>
  );
}
