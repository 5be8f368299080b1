import { Button } from "@mantine/core";
import { FacetChips } from "@sbs/ui/facets";
import { EmptyState } from "@sbs/ui/states";
import { IconPlayerPlay, IconPlayerStop, IconX } from "@tabler/icons-react";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";

import { ButtonLink } from "../../components/link";
import type { BulkAct } from "../../components/list/bulk-acts";
import { ListPage } from "../../components/list/list-page";
import { ObjectFilter } from "../../components/object-filter";
import { runName } from "../../components/run-bits";
import { useRunColumns } from "../../components/run-columns";
import { useOrg, useRights } from "../../lib/organization";
import {
  askRuns,
  cancelRun,
  isFinal,
  RUN_STATES,
  runsQuery,
  type Run,
  type RunFilter,
} from "../../lib/queries/runs";

const KINDS = ["backup", "restore"] as const;

export function RunsPage() {
  const org = useOrg();
  const { t } = useTranslation();
  const filter = useSearch({ from: "/signed-in/o/$org/runs" });
  const navigate = useNavigate({ from: "/o/$org/runs" });
  const goTo = (search: RunFilter) => void navigate({ search, replace: true });
  return (
    <ListPage
      name="runs"
      title={t("pages.runs")}
      about={t("runs.about")}
      facets={<Facets filter={filter} change={(part) => goTo({ ...filter, ...part })} />}
      filter={filter}
      goTo={goTo}
      list={runsQuery(org, filter)}
      ask={(asked) => askRuns(org, asked)}
      columns={useRunColumns()}
      ownSort="-created_at"
      nameOf={(run) => `${runName(run, t)} · ${run.agent_name}`}
      open={(run) => void navigate({ to: "/o/$org/runs/$runId", params: { org, runId: run.id } })}
      acts={useBulkActs()}
      empty={
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
      }
    />
  );
}

function Facets({ filter, change }: { filter: RunFilter; change: (part: RunFilter) => void }) {
  const { t } = useTranslation();
  return (
    <>
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
        options={RUN_STATES.map((state) => ({ value: state, label: t(`status.${state}`, { ns: "ui" }) }))}
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
    </>
  );
}

function useBulkActs(): BulkAct<Run>[] {
  const org = useOrg();
  const { t } = useTranslation();
  const { operate } = useRights();
  if (!operate) return [];
  return [
    {
      id: "cancel",
      label: t("runs.cancelManyTitle"),
      Icon: IconPlayerStop,
      fits: (run) => !isFinal(run.state) && run.cancel_requested_at === null,
      act: (run) => cancelRun(org, run.id),
      question: { title: t("runs.cancelManyTitle"), text: t("runs.cancelManyText") },
    },
  ];
}
