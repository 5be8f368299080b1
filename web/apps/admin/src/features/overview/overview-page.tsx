import { PageHeader } from "@sbs/ui/page-header";
import { Section } from "@sbs/ui/section";
import { EmptyState } from "@sbs/ui/states";
import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";

import { LastRuns } from "../../components/last-runs";
import { PageLink } from "../../components/link";
import { QueryView } from "../../components/query-view";
import { StorageBar } from "../../components/storage-bar";
import { useOrg } from "../../lib/organization";
import { overviewQuery } from "../../lib/queries/overview";
import { usePages } from "../../lib/queries/pages";
import { repositoriesQuery } from "../../lib/queries/repositories";
import { Attention } from "./attention";
import { Counts } from "./counts";
import { DaysChart } from "./days-chart";
import { FirstSteps } from "./first-steps";
import styles from "./overview-page.module.css";

/** The rest is a link away. */
const SHOWN_REPOSITORIES = 6;

export function OverviewPage() {
  const org = useOrg();
  const { t } = useTranslation();
  const query = useQuery(overviewQuery(org));
  return (
    <>
      <PageHeader title={t("pages.overview")} />
      <QueryView query={query} rows={14}>
        {(overview) => (
          <>
            <Attention overview={overview} />
            <FirstSteps overview={overview} />
            <Counts overview={overview} />
            <Section title={t("overview.days")}>
              <DaysChart days={overview.days} />
            </Section>
            <div className={styles.columns}>
              <LastRuns short />
              <Repositories />
            </div>
          </>
        )}
      </QueryView>
    </>
  );
}

function Repositories() {
  const org = useOrg();
  const { t } = useTranslation();
  const { query, rows } = usePages(repositoriesQuery(org));
  return (
    <Section
      title={t("pages.repositories")}
      actions={
        <PageLink to="/o/$org/repositories" params={{ org }} size="sm">
          {t("overview.all")}
        </PageLink>
      }
    >
      <QueryView query={query} rows={3}>
        {() =>
          rows.length === 0 ? (
            <EmptyState title={t("repositories.none")} description={t("repositories.noneText")} />
          ) : (
            <ul className={styles.places}>
              {rows.slice(0, SHOWN_REPOSITORIES).map((repository) => (
                <li key={repository.id}>
                  <PageLink
                    to="/o/$org/repositories/$repositoryId"
                    params={{ org, repositoryId: repository.id }}
                  >
                    {repository.name}
                  </PageLink>
                  <StorageBar place={repository} />
                </li>
              ))}
            </ul>
          )
        }
      </QueryView>
    </Section>
  );
}
