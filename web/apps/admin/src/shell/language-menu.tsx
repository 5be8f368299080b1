import { Button, Menu } from "@mantine/core";
import type { Locale } from "@sbs/ui/format";
import { IconCheck, IconLanguage } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";

import { useLanguage } from "../lib/use-language";

/** Each language in its own words, whatever is shown now. */
const NAMES: readonly [Locale, string][] = [
  ["ru", "Русский"],
  ["en", "English"],
];

export function LanguageMenu() {
  const [current, change] = useLanguage();
  const { t } = useTranslation();
  return (
    <Menu position="bottom-end">
      <Menu.Target>
        <Button
          variant="subtle"
          color="gray"
          size="compact-md"
          leftSection={<IconLanguage size={18} stroke={1.7} aria-hidden />}
        >
          <span className="sbs-unseen">{t("shell.language")}</span> {current.toUpperCase()}
        </Button>
      </Menu.Target>
      <Menu.Dropdown>
        {NAMES.map(([locale, name]) => (
          <Menu.Item
            key={locale}
            lang={locale}
            rightSection={locale === current ? <IconCheck size={15} aria-hidden /> : null}
            onClick={() => void change(locale)}
          >
            {name}
          </Menu.Item>
        ))}
      </Menu.Dropdown>
    </Menu>
  );
}
