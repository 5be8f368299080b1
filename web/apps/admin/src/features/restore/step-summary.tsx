import { Notice } from "@sbs/ui/states";
import { useFormat } from "@sbs/ui/use-format";
import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";

import { Summary } from "../../components/summary";
import { useOrg } from "../../lib/organization";
import { agentQuery } from "../../lib/queries/agents";
import { snapshotQuery } from "../../lib/queries/snapshots";
import { isElsewhere, type RestoreDraft } from "./restore-draft";

/** In words, what will happen. */
export function StepSummary({ draft }: { draft: RestoreDraft }) {
  const org = useOrg();
  const { t } = useTranslation();
  const format = useFormat();
  const { data } = useQuery({
    ...snapshotQuery(org, draft.snapshotId ?? ""),
    enabled: draft.snapshotId !== null,
  });
  const { data: agent } = useQuery({
    ...agentQuery(org, draft.agentId ?? ""),
    enabled: draft.agentId !== null,
  });
  if (data === undefined || agent === undefined) return null;
  const values = {
    what: draft.everything ? t("restore.everything") : t("restore.entries", { count: draft.paths.length }),
    time: format.exact(new Date(data.taken_at)),
    machine: agent.name,
    source: data.agent_name,
    target: draft.target.trim() || "–",
  };
  return (
    <Summary sentence={t(isElsewhere(draft) ? "restore.sentenceElsewhere" : "restore.sentence", values)}>
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
      {isElsewhere(draft) ? (
        <Notice
          tone="warning"
          title={t("restore.elsewhere", { name: agent.name, source: data.agent_name })}
        />
      ) : null}
    </Summary>
  );
}
