import { IconKey } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";

import { Copy } from "./copyable-id";
import styles from "./secret.module.css";

interface Props {
  value: string;
  /** What it is, for example "Token". */
  label: string;
}

/** A line to be copied: a command, an address. */
export function CopyLine({ value, label }: Props) {
  return (
    <div className={styles.line}>
      <code className={styles.value} aria-label={label}>
        {value}
      </code>
      <Copy value={value} label={label} />
    </div>
  );
}

/** A secret that is shown here and never again. */
export function Secret({ value, label }: Props) {
  const { t } = useTranslation("ui");
  return (
    <div className={styles.secret}>
      <p className={styles.once}>
        <IconKey size={17} aria-hidden />
        {t("secret.once")}
      </p>
      <CopyLine value={value} label={label} />
    </div>
  );
}
