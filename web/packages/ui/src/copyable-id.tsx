import { ActionIcon, CopyButton, Tooltip } from "@mantine/core";
import { IconCheck, IconCopy } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";

import styles from "./copyable-id.module.css";

interface CopyProps {
  value: string;
  /** What is copied, for example "the command": read out to who can't see the icon. */
  label: string;
}

/** A button that copies `value` and says that it did. */
export function Copy({ value, label }: CopyProps) {
  const { t } = useTranslation("ui");
  return (
    <CopyButton value={value} timeout={1800}>
      {({ copied, copy }) => (
        <Tooltip label={copied ? t("copied") : t("copy", { what: label })}>
          <ActionIcon
            variant="subtle"
            color={copied ? "green" : "gray"}
            size="sm"
            onClick={copy}
            aria-label={copied ? t("copied") : t("copy", { what: label })}
          >
            {copied ? <IconCheck size={15} aria-hidden /> : <IconCopy size={15} aria-hidden />}
          </ActionIcon>
        </Tooltip>
      )}
    </CopyButton>
  );
}

interface IdProps {
  id: string;
  label?: string;
  /**
   * Which part is shown. The end is what tells our ids of one time apart (UUIDv7 begins with the time); restic
   * names a snapshot by its start.
   */
  short?: "start" | "end";
}

const SHOWN = 8;

/** A short id that copies whole. */
export function CopyableId({ id, label, short = "end" }: IdProps) {
  const { t } = useTranslation("ui");
  return (
    <span className={styles.id}>
      <span className="sbs-mono" title={id}>
        {short === "start" ? id.slice(0, SHOWN) : id.slice(-SHOWN)}
      </span>
      <Copy value={id} label={label ?? t("id")} />
    </span>
  );
}
