import { SegmentedControl } from "@mantine/core";
import { isLocale } from "@sbs/ui/i18n";
import { useTranslation } from "react-i18next";

import { useLanguage } from "../../lib/use-language";

export function LanguageSwitch() {
  const [current, change] = useLanguage();
  const { t } = useTranslation();
  return (
    <SegmentedControl
      size="xs"
      aria-label={t("shell.language")}
      value={current}
      onChange={(value) => {
        if (isLocale(value)) void change(value);
      }}
      data={[
        { value: "ru", label: "RU" },
        { value: "en", label: "EN" },
      ]}
    />
  );
}
