import { useTranslation } from "react-i18next";

import { Summary } from "../../components/summary";
import { useAgentNames, useRepositoryNames } from "../../components/use-names";
import { cronSentence } from "../../lib/cron-sentence";
import { toCron } from "../../lib/schedule";
import { useLanguage } from "../../lib/use-language";
import { lines, type JobDraft } from "./job-draft";

/** More machines than these are a number. */
const NAMED = 3;

/** In words, what will happen. */
export function StepSummary({ draft }: { draft: JobDraft }) {
  const { t } = useTranslation();
  const [locale] = useLanguage();
  const agents = useAgentNames(draft.agents.slice(0, NAMED));
  const repositories = useRepositoryNames(draft.repositories);
  const cron = toCron(draft.schedule);
  const when =
    cron === null
      ? t("jobs.byHand")
      : t("jobs.scheduleIn", { sentence: cronSentence(cron, locale), zone: draft.timeZone });
  const who =
    draft.agents.length > NAMED
      ? t("jobs.machines", { count: draft.agents.length })
      : draft.agents.map((id) => agents.get(id) ?? "…").join(", ");
  const list = new Intl.ListFormat(locale, { type: "conjunction" });
  const where = list.format(draft.repositories.map((id) => repositories.get(id) ?? "…"));
  const sources = lines(draft.sources);
  const excluded = lines(draft.excludes);
  return (
    <Summary sentence={t("jobs.sentence", { when, who, where })}>
      <p>
        {draft.keepLast === null
          ? t("jobs.sentenceKeepAll")
          : t("jobs.sentenceKeep", { count: draft.keepLast })}
      </p>
      <p>{t("jobs.sentenceSources", { count: sources.length })}</p>
      <ul className="sbs-mono">
        {sources.map((source) => (
          <li key={source}>{source}</li>
        ))}
      </ul>
      {excluded.length === 0 ? null : (
        <>
          <p>{t("jobs.sentenceExcludes", { count: excluded.length })}</p>
          <ul className="sbs-mono">
            {excluded.map((mask) => (
              <li key={mask}>{mask}</li>
            ))}
          </ul>
        </>
      )}
    </Summary>
  );
}
