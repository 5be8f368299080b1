import { EmptyState } from "@sbs/ui/states";
import { IconError404 } from "@tabler/icons-react";
import type { ErrorComponentProps } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";

import { PageLink } from "../components/link";
import { ProblemView } from "../components/problem-view";

/** The error boundary of every page. */
export function ErrorPage({ error, reset }: ErrorComponentProps) {
  return (
    <main>
      <ProblemView error={error} retry={reset} />
    </main>
  );
}

export function NotFoundPage() {
  const { t } = useTranslation();
  return (
    <main>
      <EmptyState
        icon={IconError404}
        title={t("notFound.title")}
        description={t("notFound.text")}
        action={<PageLink to="/">{t("notFound.home")}</PageLink>}
      />
    </main>
  );
}
