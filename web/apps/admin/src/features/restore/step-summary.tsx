import { Notice } from "@sbs/ui/states";
import { useFormat } from "@sbs/ui/use-format";
import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";

import { useOrg } from "../../lib/organization";
import { snapshotQuery } from "../../lib/queries/snapshots";
import type { RestoreDraft } from "./restore-draft";
import styles from "./step-summary.module.css";

/** In words, what will happen. */
export function StepSummary({ draft }: { draft: RestoreDraft }) {
  const org = useOrg();
  const { t } = useTranslation();
  const format = useFormat();
  const { data } = useQuery({
    ...snapshotQuery(org, draft.snapshotId ?? ""),
    enabled: draft.snapshotId !== null,
  });
  if (data === undefined) return null;
  return (
    <div className={styles.summary}>
      <p className={styles.sentence}>
        {t("restore.sentence", {
          what: draft.everything
            ? t("restore.everything")
            : t("restore.entries", { count: draft.paths.length }),
          time: format.exact(new Date(data.taken_at)),
          machine: data.agent_name,
          target: draft.target.trim() || "–",
        })}
      </p>
      {draft.everything ? null : (
        <ul className="sbs-mono">
          {draft.paths.map((path) => (
            <li key={path}>{path}</li>
          ))}
        </ul>
      )}
      <p>{draft.policy === null ? t("restore.policyAsk") : t(`policy.${draft.policy}.text`)}</p>
      <p>{draft.verify ? t("restore.verifyYes") : t("restore.verifyNo")}</p>
      {draft.policy === "overwrite" ? <Notice tone="warning" title={t("restore.overwriteWarning")} /> : null}
    </div>
  );
}
