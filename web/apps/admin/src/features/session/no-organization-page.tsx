import { EmptyState } from "@sbs/ui/states";
import { IconBuilding } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";

/** Signed in, but a member of nothing. */
export function NoOrganizationPage() {
  const { t } = useTranslation();
  return (
    <main>
      <EmptyState
        icon={IconBuilding}
        title={t("noOrganization.title")}
        description={t("noOrganization.text")}
      />
    </main>
  );
}
