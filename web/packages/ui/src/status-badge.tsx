import {
  IconAlertTriangle,
  IconBan,
  IconCheck,
  IconCircleHalf2,
  IconClock,
  IconClockExclamation,
  IconLoader2,
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
};
const OWN_ICONS: Partial<Record<Status, TablerIcon>> = {
  cancelled: IconBan,
  cancelling: IconBan,
  revoked: IconBan,
  used: IconCheck,
};

/** Icon, word and colour of a status: never the colour alone. */
export function StatusBadge({ status }: { status: Status }) {
  const { t } = useTranslation("ui");
  const tone = STATUSES[status];
  const Icon = OWN_ICONS[status] ?? TONE_ICONS[tone];
  return (
    <span className={styles.badge} data-tone={tone} data-status={status}>
      <Icon size={14} stroke={2.2} aria-hidden className={styles.icon} />
      <span>{t(`status.${status}`)}</span>
    </span>
  );
}
