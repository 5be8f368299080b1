import { Section } from "@sbs/ui/section";
import { IconCircle, IconCircleCheck } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";

import { PageLink } from "../../components/link";
import { useOrg, useRights } from "../../lib/organization";
import type { Overview } from "../../lib/queries/overview";
import styles from "./first-steps.module.css";

/** The way to the first backup, until it is walked. */
export function FirstSteps({ overview }: { overview: Overview }) {
  const org = useOrg();
  const { t } = useTranslation();
  const { operate } = useRights();
  const steps = [
    { done: overview.repositories.total > 0, name: t("steps.repository"), to: "/o/$org/repositories" },
    { done: overview.agents.active > 0, name: t("steps.agent"), to: "/o/$org/agents" },
    { done: overview.jobs.total > 0, name: t("steps.job"), to: "/o/$org/jobs" },
  ] as const;
  if (!operate || steps.every((step) => step.done)) return null;
  const next = steps.findIndex((step) => !step.done);
  return (
    <Section title={t("overview.firstSteps")}>
      <ol className={styles.steps}>
        {steps.map((step, index) => (
          <li key={step.to} data-done={step.done}>
            {step.done ? <IconCircleCheck size={19} aria-hidden /> : <IconCircle size={19} aria-hidden />}
            {index === next ? (
              <PageLink to={step.to} params={{ org }}>
                {step.name}
              </PageLink>
            ) : (
              <span>{step.name}</span>
            )}
          </li>
        ))}
      </ol>
    </Section>
  );
}
