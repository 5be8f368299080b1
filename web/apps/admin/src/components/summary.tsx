import type { ReactNode } from "react";

import styles from "./summary.module.css";

/** What a wizard will do, in words: one sentence, and what belongs to it below. */
export function Summary({ sentence, children }: { sentence: string; children: ReactNode }) {
  return (
    <div className={styles.summary}>
      <p className={styles.sentence}>{sentence}</p>
      {children}
    </div>
  );
}
