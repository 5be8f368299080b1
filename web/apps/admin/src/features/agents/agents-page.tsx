import { Button } from "@mantine/core";
import { FacetChips, FilterBar, SearchField } from "@sbs/ui/facets";
import { PageHeader } from "@sbs/ui/page-header";
import { EmptyState } from "@sbs/ui/states";
import { IconDeviceDesktop, IconKey, IconPlus } from "@tabler/icons-react";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";

import { ButtonLink } from "../../components/link";
import { QueryView } from "../../components/query-view";
import { useOrg, useRights } from "../../lib/organization";
import { agentsQuery, type AgentFilter } from "../../lib/queries/agents";
import { usePages } from "../../lib/queries/pages";
import { AgentsTable } from "./agents-table";
import { EnrolDialog } from "./enrol-dialog";

const STATES = ["connected", "offline", "revoked"] as const;

export function AgentsPage() {
  const org = useOrg();
  const { t } = useTranslation();
  const { operate } = useRights();
  const { enrol, ...filter } = useSearch({ from: "/signed-in/o/$org/agents" });
  const navigate = useNavigate({ from: "/o/$org/agents" });
  const { query, rows, more } = usePages(agentsQuery(org, filter));
  const change = (part: AgentFilter) => void navigate({ search: { ...filter, ...part }, replace: true });
  const dialog = (open: boolean) => void navigate({ search: { ...filter, enrol: open ? true : undefined } });
  const isFiltered = filter.q !== undefined || filter.state !== undefined;
  const enrolButton = operate ? (
    <Button leftSection={<IconPlus size={16} aria-hidden />} onClick={() => dialog(true)}>
      {t("agents.enrol")}
    </Button>
  ) : undefined;

  return (
    <>
      <PageHeader
        title={t("pages.agents")}
        description={t("agents.about")}
        actions={
          <>
            <ButtonLink
              to="/o/$org/agents/tokens"
              params={{ org }}
              variant="default"
              leftSection={<IconKey size={16} aria-hidden />}
            >
              {t("tokens.title")}
            </ButtonLink>
            {enrolButton}
          </>
        }
      />
      <FilterBar>
        <SearchField
          label={t("agents.search")}
          value={filter.q ?? ""}
          change={(q) => change({ q: q || undefined })}
        />
        <FacetChips
          label={t("field.status")}
          options={STATES.map((state) => ({ value: state, label: t(`status.${state}`, { ns: "ui" }) }))}
          value={filter.state}
          change={(state) => change({ state })}
        />
      </FilterBar>
      <QueryView query={query} rows={8}>
        {() =>
          rows.length > 0 ? (
            <AgentsTable of={filter} rows={rows} more={more} />
          ) : isFiltered ? (
            <EmptyState title={t("list.nothingFound")} description={t("list.changeFilter")} />
          ) : (
            <EmptyState
              icon={IconDeviceDesktop}
              title={t("agents.none")}
              description={t("agents.noneText")}
              action={enrolButton}
            />
          )
        }
      </QueryView>
      <EnrolDialog opened={enrol === true && operate} close={() => dialog(false)} />
    </>
  );
}
