import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";

import styles from "./wizard.module.css";

interface Props {
  steps: readonly string[];
  active: number;
  /** Asked for a step by its name; the owner decides. */
  go: (step: number) => void;
  submit: () => void;
  footer: ReactNode;
  children: ReactNode;
}

/** A form in a few steps. Enter goes on; steps that were done can be gone back to. */
export function Wizard({ steps, active, go, submit, footer, children }: Props) {
  const { t } = useTranslation("ui");
  return (
    <form
      className={styles.wizard}
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        submit();
      }}
    >
      <ol className={styles.steps} aria-label={t("wizard.steps")}>
        {steps.map((name, index) => (
          <li key={name} data-state={index === active ? "active" : index < active ? "done" : "ahead"}>
            <button
              type="button"
              disabled={index > active}
              aria-current={index === active ? "step" : undefined}
              onClick={() => go(index)}
            >
              <span className={styles.number} aria-hidden data-number={index + 1} />
              {name}
            </button>
          </li>
        ))}
      </ol>
      <div className={styles.body}>{children}</div>
      {footer === null ? null : <div className={styles.footer}>{footer}</div>}
    </form>
  );
}
