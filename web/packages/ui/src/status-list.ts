/** The one list of status words of the product; colours and icons hang on it, texts are `ui:status.<name>`. */

export const STATUSES = {
  // runs
  succeeded: "success",
  completed_with_warnings: "warning",
  partial: "partial",
  failed: "failed",
  running: "running",
  waiting: "quiet",
  cancelled: "quiet",
  cancelling: "quiet",
  overdue: "overdue",
  // machines
  connected: "success",
  offline: "overdue",
  revoked: "quiet",
  // one-time tokens
  usable: "success",
  used: "quiet",
  expired: "quiet",
  // jobs
  active: "success",
  paused: "quiet",
  manual: "quiet",
  // repositories and what lies in them
  ready: "success",
  unusable: "failed",
  present: "success",
  forgotten: "quiet",
  incomplete: "warning",
} as const;

export type Status = keyof typeof STATUSES;
/** How a status looks. `partial` is amber, split; `overdue` an amber outline. */
export type Tone = (typeof STATUSES)[Status];

export function isStatus(value: string): value is Status {
  return value in STATUSES;
}
