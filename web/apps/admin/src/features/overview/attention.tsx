import { RelativeTime } from "@sbs/ui/relative-time";
import { Section } from "@sbs/ui/section";
import {
  IconAlertTriangle,
  IconCircleCheck,
  IconInfoCircle,
  IconX,
  type TablerIcon,
} from "@tabler/icons-react";
import { useTranslation } from "react-i18next";

import { PageLink } from "../../components/link";
import { useOrg } from "../../lib/organization";
import type { AttentionItem, Overview } from "../../lib/queries/overview";
import styles from "./attention.module.css";

const ICONS: Record<AttentionItem["gravity"], TablerIcon> = {
  critical: IconX,
  warning: IconAlertTriangle,
  notice: IconInfoCircle,
};
/** More than these are counted, not listed: the gravest come first. */
const SHOWN = 12;

/** What somebody should look at, the gravest first; or that all is well. */
export function Attention({ overview }: { overview: Overview }) {
  const { t } = useTranslation();
  const total = overview.attention_counts.reduce((sum, entry) => sum + entry.count, 0);
  const items = overview.attention.slice(0, SHOWN);
  const more = total - items.length;
  if (items.length === 0) {
    const isEmpty = overview.agents.active === 0 || overview.jobs.total === 0;
    return isEmpty ? null : (
      <p className={styles.well}>
        <IconCircleCheck size={20} aria-hidden />
        {t("overview.allWell")}
      </p>
    );
  }
  return (
    <Section title={t("overview.attention", { count: total })} flush>
      <ul className={styles.list}>
        {items.map((item) => (
          <Item key={`${item.code}-${item.object_id}-${item.run_id ?? ""}`} item={item} />
        ))}
      </ul>
      {more > 0 ? <p className={styles.more}>{t("overview.more", { count: more })}</p> : null}
    </Section>
  );
}

function Item({ item }: { item: AttentionItem }) {
  const { t } = useTranslation();
  const Icon = ICONS[item.gravity];
  return (
    <li className={styles.item} data-gravity={item.gravity}>
      <Icon size={17} aria-hidden className={styles.icon} />
      <div className={styles.words}>
        <p className={styles.message}>
          <span className="sbs-unseen">{t(`attention.${item.gravity}`)}: </span>
          <ObjectLink item={item} />
          {" — "}
          {item.message}
        </p>
        {item.hint === null || item.hint === undefined ? null : <p className={styles.hint}>{item.hint}</p>}
      </div>
      {item.run_id === null || item.run_id === undefined || item.object_kind === "run" ? null : (
        <RunOf id={item.run_id} />
      )}
      <span className={styles.since}>
        <RelativeTime at={item.since} />
      </span>
    </li>
  );
}

function RunOf({ id }: { id: string }) {
  const org = useOrg();
  const { t } = useTranslation();
  return (
    <PageLink to="/o/$org/runs/$runId" params={{ org, runId: id }} size="sm">
      {t("overview.itsRun")}
    </PageLink>
  );
}

function ObjectLink({ item }: { item: AttentionItem }) {
  const org = useOrg();
  const { object_id: id, object_name: name } = item;
  switch (item.object_kind) {
    case "agent":
      return (
        <PageLink to="/o/$org/agents/$agentId" params={{ org, agentId: id }} underline="always">
          {name}
        </PageLink>
      );
    case "job":
      return (
        <PageLink to="/o/$org/jobs/$jobId" params={{ org, jobId: id }} underline="always">
          {name}
        </PageLink>
      );
    case "repository":
      return (
        <PageLink
          to="/o/$org/repositories/$repositoryId"
          params={{ org, repositoryId: id }}
          underline="always"
        >
          {name}
        </PageLink>
      );
    case "run":
      return (
        <PageLink to="/o/$org/runs/$runId" params={{ org, runId: id }} underline="always">
          {name}
        </PageLink>
      );
  }
}
