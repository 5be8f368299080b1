import { useEffect, type ReactNode } from "react";

import styles from "./page-header.module.css";

interface Props {
  title: string;
  /** Beside the title, for example a status. */
  status?: ReactNode;
  /** Under the title: the facts that matter first. */
  description?: ReactNode;
  /** At the right. */
  actions?: ReactNode;
  /** Above the title: where one is. */
  trail?: ReactNode;
}

/** The head of a page. Its title is the page's only h1, and the name of the browser's tab. */
export function PageHeader({ title, status, description, actions, trail }: Props) {
  useEffect(() => {
    document.title = `${title} · SBS`;
  }, [title]);
  return (
    <header className={styles.header}>
      {trail === undefined ? null : <div className={styles.trail}>{trail}</div>}
      <div className={styles.row}>
        <div className={styles.words}>
          <div className={styles.title}>
            <h1 tabIndex={-1}>{title}</h1>
            {status}
          </div>
          {description === undefined ? null : <div className={styles.description}>{description}</div>}
        </div>
        {actions === undefined ? null : <div className={styles.actions}>{actions}</div>}
      </div>
    </header>
  );
}
