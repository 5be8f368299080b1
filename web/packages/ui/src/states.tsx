import { Button, Skeleton } from "@mantine/core";
import { IconAlertCircle, IconInbox, type TablerIcon } from "@tabler/icons-react";
import { useEffect, useState, type ReactNode } from "react";
import { useTranslation } from "react-i18next";

import { CopyableId } from "./copyable-id";
import styles from "./states.module.css";

/** Loading that is over sooner than this is never shown: it would only flicker. */
const PATIENCE_MS = 200;

/** True after `PATIENCE_MS`. */
function usePatience(): boolean {
  const [over, setOver] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setOver(true), PATIENCE_MS);
    return () => clearTimeout(timer);
  }, []);
  return over;
}

interface LoadingProps {
  /** How many lines are coming. */
  rows?: number;
}

/** The shape of what comes. It takes its room at once and is seen after 200 ms. */
export function Loading({ rows = 6 }: LoadingProps) {
  const { t } = useTranslation("ui");
  const seen = usePatience();
  return (
    <div className={styles.loading} aria-busy="true" data-seen={seen}>
      <span className="sbs-unseen" role="status">
        {seen ? t("loading") : ""}
      </span>
      {Array.from({ length: rows }, (_, index) => (
        <Skeleton key={index} height={16} width={`${92 - ((index * 17) % 38)}%`} animate={seen} />
      ))}
    </div>
  );
}

interface EmptyProps {
  title: string;
  /** What this place is for. */
  description?: string;
  /** The first step. */
  action?: ReactNode;
  icon?: TablerIcon;
}

/** Nothing here yet: what it is for, and how to begin. */
export function EmptyState({ title, description, action, icon: Icon = IconInbox }: EmptyProps) {
  return (
    <div className={styles.empty}>
      <Icon size={30} stroke={1.4} aria-hidden className={styles.emptyIcon} />
      <p className={styles.emptyTitle}>{title}</p>
      {description === undefined ? null : <p className={styles.emptyText}>{description}</p>}
      {action === undefined ? null : <div className={styles.emptyAction}>{action}</div>}
    </div>
  );
}

interface ErrorProps {
  /** What happened. */
  title: string;
  /** What to do about it. */
  hint?: string | undefined;
  /** To give to support. */
  supportId?: string | undefined;
  retry?: (() => void) | undefined;
}

/** What happened, what to do, and an id for support. */
export function ErrorState({ title, hint, supportId, retry }: ErrorProps) {
  const { t } = useTranslation("ui");
  return (
    <div className={styles.error} role="alert">
      <IconAlertCircle size={20} aria-hidden className={styles.errorIcon} />
      <div>
        <p className={styles.errorTitle}>{title}</p>
        {hint === undefined ? null : <p className={styles.errorText}>{hint}</p>}
        {supportId === undefined ? null : (
          <p className={styles.errorText}>
            {t("error.supportId")} <CopyableId id={supportId} label={t("error.supportId")} />
          </p>
        )}
        {retry === undefined ? null : (
          <Button variant="default" size="xs" mt={8} onClick={retry}>
            {t("error.retry")}
          </Button>
        )}
      </div>
    </div>
  );
}

interface NoticeProps {
  tone: "failed" | "warning" | "running" | "quiet";
  title: string;
  children?: ReactNode;
  action?: ReactNode;
}

/** What stands above everything else: what is wrong, since when, why, and what to do. */
export function Notice({ tone, title, children, action }: NoticeProps) {
  return (
    <div className={styles.notice} data-tone={tone} role={tone === "failed" ? "alert" : "note"}>
      <IconAlertCircle size={18} aria-hidden className={styles.noticeIcon} />
      <div className={styles.noticeWords}>
        <p className={styles.noticeTitle}>{title}</p>
        {children === undefined ? null : <div className={styles.noticeText}>{children}</div>}
      </div>
      {action}
    </div>
  );
}
