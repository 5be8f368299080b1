import { useId, type ReactNode } from "react";

import styles from "./section.module.css";

interface Props {
  title: string;
  actions?: ReactNode;
  children: ReactNode;
  /** Without inner margins, for tables. */
  flush?: boolean;
}

/** A titled part of a page. */
export function Section({ title, actions, children, flush = false }: Props) {
  const id = useId();
  return (
    <section className={styles.section} aria-labelledby={id}>
      <div className={styles.head}>
        <h2 id={id}>{title}</h2>
        {actions}
      </div>
      <div className={flush ? undefined : styles.body}>{children}</div>
    </section>
  );
}

interface FactsProps {
  items: readonly { label: string; value: ReactNode }[];
}

/** Pairs of a word and what it is, as a list for machines too. */
export function Facts({ items }: FactsProps) {
  return (
    <dl className={styles.facts}>
      {items.map((item) => (
        <div key={item.label}>
          <dt>{item.label}</dt>
          <dd>{item.value}</dd>
        </div>
      ))}
    </dl>
  );
}
