import { Link } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";

import { useOrg, useRights } from "../lib/organization";
import styles from "./navigation.module.css";
import { OrganizationSwitcher } from "./organization-switcher";
import { PAGES } from "./pages";

/** The pages of an organization: those that exist, and no others. */
export function Navigation() {
  const org = useOrg();
  const { t } = useTranslation();
  const { operate } = useRights();
  return (
    <div className={styles.navigation}>
      <OrganizationSwitcher />
      <nav aria-label={t("shell.navigation")}>
        <ul>
          {PAGES.filter((page) => operate || !page.acts).map(({ to, name, Icon }) => (
            <li key={to}>
              <Link
                to={to}
                params={{ org }}
                className={styles.link}
                activeOptions={{ exact: name === "overview", includeSearch: false }}
              >
                <Icon size={18} stroke={1.7} aria-hidden />
                {t(`pages.${name}`)}
              </Link>
            </li>
          ))}
        </ul>
      </nav>
    </div>
  );
}
