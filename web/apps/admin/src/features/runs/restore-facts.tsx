import { Facts, Section } from "@sbs/ui/section";
import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";

import { PageLink } from "../../components/link";
import { QueryView } from "../../components/query-view";
import { useOrg } from "../../lib/organization";
import { restoreQuery } from "../../lib/queries/restores";

/** As many chosen paths as are named; the rest is a number. */
const NAMED = 5;

/** What was to be restored, where to, and how. */
export function RestoreFacts({ runId }: { runId: string }) {
  const org = useOrg();
  const { t } = useTranslation();
  const query = useQuery(restoreQuery(org, runId));
  return (
    <Section title={t("runs.restore")}>
      <QueryView query={query} rows={2}>
        {(restore) => {
          const paths = restore.selection.map((path) => path.text);
          const rest = paths.length - NAMED;
          return (
            <Facts
              items={[
                {
                  label: t("restore.target"),
                  value: <span className="sbs-mono">{restore.target_folder}</span>,
                },
                {
                  label: t("restore.selection"),
                  value:
                    paths.length === 0 ? (
                      t("restore.everything")
                    ) : (
                      <>
                        {paths.slice(0, NAMED).map((path) => (
                          <div key={path} className="sbs-mono">
                            {path}
                          </div>
                        ))}
                        {rest > 0 ? t("restore.andMore", { count: rest }) : null}
                      </>
                    ),
                },
                { label: t("restore.policy"), value: t(`policy.${restore.policy}.name`) },
                {
                  label: t("restore.verify"),
                  value: restore.verify ? t("restore.verifyYes") : t("restore.verifyNo"),
                },
                {
                  label: t("field.snapshot"),
                  value: (
                    <PageLink
                      to="/o/$org/snapshots/$snapshotId"
                      params={{ org, snapshotId: restore.snapshot_id }}
                    >
                      {t("runs.openSnapshot")}
                    </PageLink>
                  ),
                },
              ]}
            />
          );
        }}
      </QueryView>
    </Section>
  );
}
