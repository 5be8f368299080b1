import {
  IconAlertTriangle,
  IconBan,
  IconCheck,
  IconCircleHalf2,
  IconClock,
  IconClockExclamation,
  IconLoader2,
  IconSparkles,
  IconX,
  type TablerIcon,
} from "@tabler/icons-react";
import { useTranslation } from "react-i18next";

import { STATUSES, type Status, type Tone } from "./status-list";
import styles from "./status-badge.module.css";

const TONE_ICONS: Record<Tone, TablerIcon> = {
  success: IconCheck,
  warning: IconAlertTriangle,
  partial: IconCircleHalf2,
  failed: IconX,
  running: IconLoader2,
  quiet: IconClock,
  overdue: IconClockExclamation,
  anomaly: IconSparkles,
};
const OWN_ICONS: Partial<Record<Status, TablerIcon>> = {
  cancelled: IconBan,
  cancelling: IconBan,
  revoked: IconBan,
  abandoned: IconBan,
  used: IconCheck,
};

interface Props {
  status: Status;
  /** Shown after the word, for example why something waits. */
  detail?: string;
}

/** Icon, word and colour of a status: never the colour alone. */
export function StatusBadge({ status, detail }: Props) {
  const { t } = useTranslation("ui");
  const tone = STATUSES[status];
  const Icon = OWN_ICONS[status] ?? TONE_ICONS[tone];
  return (
    <span className={styles.badge} data-tone={tone} data-status={status}>
      <Icon size={14} stroke={2.2} aria-hidden className={styles.icon} />
      <span>{t(`status.${status}`)}</span>
      {detail === undefined ? null : <span className={styles.detail}>{detail}</span>}
    </span>
  );
}
