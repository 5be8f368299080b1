import { Facts, Section } from "@sbs/ui/section";
import { useTranslation } from "react-i18next";

import { PageLink } from "../../components/link";
import type { Schemas } from "../../lib/api";
import { useOrg } from "../../lib/organization";

/** As many chosen paths as are named; the rest is a number. */
const NAMED = 5;

/** What was to be restored, where to, and how. */
export function RestoreFacts({ restore }: { restore: Schemas["RestoreOut"] }) {
  const org = useOrg();
  const { t } = useTranslation();
  const paths = restore.selection.map((path) => path.text);
  const rest = paths.length - NAMED;
  return (
    <Section title={t("runs.restore")}>
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
              <PageLink to="/o/$org/snapshots/$snapshotId" params={{ org, snapshotId: restore.snapshot_id }}>
                {t("runs.openSnapshot")}
              </PageLink>
            ),
          },
        ]}
      />
    </Section>
  );
}
