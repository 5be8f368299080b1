import { ErrorState } from "@sbs/ui/states";
import { useTranslation } from "react-i18next";

import { ApiProblem, Unreachable } from "../lib/problem";

interface Props {
  error: unknown;
  retry?: (() => void) | undefined;
}

/** Any error, as a person can use it: what happened, what to do, an id for support. */
export function ProblemView({ error, retry }: Props) {
  const { t } = useTranslation();
  if (error instanceof ApiProblem) {
    const { detail, hint, request_id: id, errors } = error.body;
    const fields = (errors ?? []).map((field) => [field.message, field.hint].filter(Boolean).join(" "));
    const advice = [hint, ...new Set(fields)].filter(Boolean).join(" ");
    return <ErrorState title={detail} hint={advice || undefined} supportId={id ?? undefined} retry={retry} />;
  }
  if (error instanceof Unreachable) {
    return <ErrorState title={t("problem.unreachable")} hint={t("problem.unreachableHint")} retry={retry} />;
  }
  const name = error instanceof Error ? error.name : "Error";
  return <ErrorState title={t("problem.page")} hint={t("problem.pageHint", { name })} retry={retry} />;
}
