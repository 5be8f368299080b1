import { Menu, UnstyledButton } from "@mantine/core";
import { IconCheck, IconSelector } from "@tabler/icons-react";
import { useNavigate } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";

import { useOrg, useSession } from "../lib/organization";
import styles from "./navigation.module.css";
import { PAGES } from "./pages";

export function OrganizationSwitcher() {
  const org = useOrg();
  const { memberships } = useSession();
  const navigate = useNavigate();
  const { t } = useTranslation();
  const name = memberships.find((membership) => membership.organization_id === org)?.organization_name ?? "–";
  return (
    <Menu width="target" position="bottom-start">
      <Menu.Target>
        <UnstyledButton className={styles.switcher}>
          <span className={styles.mark} aria-hidden data-letter={name.slice(0, 1).toUpperCase()} />
          <span className={`${styles.name} sbs-clip`} title={name}>
            {name}
          </span>
          <span className="sbs-unseen">{t("shell.switchOrganization")}</span>
          <IconSelector size={16} aria-hidden />
        </UnstyledButton>
      </Menu.Target>
      <Menu.Dropdown>
        {memberships.map((membership) => (
          <Menu.Item
            key={membership.organization_id}
            rightSection={membership.organization_id === org ? <IconCheck size={15} aria-hidden /> : null}
            onClick={() => void navigate({ to: PAGES[0].to, params: { org: membership.organization_id } })}
          >
            {membership.organization_name}
          </Menu.Item>
        ))}
      </Menu.Dropdown>
    </Menu>
  );
}
