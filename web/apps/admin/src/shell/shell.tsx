import { Burger, Drawer } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { Outlet, useLocation } from "@tanstack/react-router";
import { useEffect, useRef } from "react";
import { useTranslation } from "react-i18next";

import { rememberOrganization } from "../lib/last-organization";
import { useOrganizationStream } from "../lib/live/use-organization-stream";
import { useOrg } from "../lib/organization";
import { AccountMenu } from "./account-menu";
import { ConnectionBanner } from "./connection-banner";
import { LanguageMenu } from "./language-menu";
import { Navigation } from "./navigation";
import { Palette, PaletteButton } from "./palette";
import { SchemeMenu } from "./scheme-menu";
import styles from "./shell.module.css";

/** The frame of every page of an organization. */
export function Shell() {
  const org = useOrg();
  const { t } = useTranslation();
  const [opened, drawer] = useDisclosure(false);
  const { pathname } = useLocation();
  useOrganizationStream(org);
  useEffect(() => rememberOrganization(org), [org]);
  const main = useRef<HTMLElement>(null);
  const before = useRef(pathname);
  useEffect(() => {
    if (before.current === pathname) return;
    before.current = pathname;
    drawer.close();
    // Reading goes on at the new page, not at the link that led there.
    main.current?.focus({ preventScroll: true });
  }, [pathname, drawer]);

  return (
    <div className={styles.shell}>
      <a href="#content" className={styles.skip}>
        {t("shell.skip")}
      </a>
      <aside className={styles.side}>
        <Navigation />
      </aside>
      <Drawer
        opened={opened}
        onClose={drawer.close}
        size={260}
        title={t("shell.navigation")}
        zIndex={300}
        closeButtonProps={{ "aria-label": t("act.close") }}
      >
        <Navigation />
      </Drawer>
      {/* Not a <header>: dialogs have theirs, and a page has one banner. */}
      <section className={styles.top} aria-label={t("shell.tools")}>
        <Burger
          opened={opened}
          onClick={drawer.toggle}
          size="sm"
          aria-label={t("shell.navigation")}
          className={styles.burger}
        />
        <PaletteButton />
        <div className={styles.menus}>
          <LanguageMenu />
          <SchemeMenu />
          <AccountMenu />
        </div>
      </section>
      <main ref={main} id="content" className={styles.main} tabIndex={-1}>
        <ConnectionBanner />
        <Outlet />
      </main>
      <Palette />
    </div>
  );
}
