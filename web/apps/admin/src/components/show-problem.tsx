import { notifications } from "@mantine/notifications";
import { IconAlertCircle, IconAlertTriangle, IconCheck } from "@tabler/icons-react";
import type { TFunction } from "i18next";

import { ApiProblem } from "../lib/problem";

/** Where there is no place on the page for it: an act from a menu or the palette was refused. */
export function showProblem(error: unknown, t: TFunction): void {
  const known = error instanceof ApiProblem ? error.body : null;
  const id = known?.request_id;
  notifications.show({
    color: "red",
    icon: <IconAlertCircle size={18} aria-hidden />,
    title: known?.detail ?? t("problem.unreachable"),
    message: [known?.hint, id === undefined || id === null ? null : t("problem.supportId", { id })]
      .filter(Boolean)
      .join(" "),
    autoClose: 12_000,
  });
}

/** An act is done, where the page does not show it by itself. */
export function showDone(title: string, message?: string): void {
  notifications.show({
    color: "green",
    icon: <IconCheck size={18} aria-hidden />,
    title,
    message: message ?? "",
  });
}

/** An act is done, but not as one would think: it stays until it was read. */
export function showWarning(title: string, message: string): void {
  notifications.show({
    color: "yellow",
    icon: <IconAlertTriangle size={18} aria-hidden />,
    title,
    message,
    autoClose: false,
  });
}
