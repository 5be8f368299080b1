import { IconCheck, IconX } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";

import type { Schemas } from "../../lib/api";
import styles from "./test-result.module.css";

/** Each step of a test of a folder: what held, and where it stopped. */
export function TestResult({ result }: { result: Schemas["RepositoryTestOut"] }) {
  const { t } = useTranslation();
  return (
    <ul className={styles.steps} role="status">
      {result.steps.map((step) => (
        <li key={step.step} data-ok={step.ok}>
          {step.ok ? <IconCheck size={16} aria-hidden /> : <IconX size={16} aria-hidden />}
          <span>
            {t(`steps.${step.step}`)}
            <span className="sbs-unseen">: {step.ok ? t("repositories.ok") : t("repositories.notOk")}</span>
            {step.problem === null || step.problem === undefined ? null : (
              <span className={styles.problem}>
                {step.problem.message} {step.problem.hint}
              </span>
            )}
          </span>
        </li>
      ))}
    </ul>
  );
}
