import { Kbd, UnstyledButton } from "@mantine/core";
import { Spotlight, spotlight, type SpotlightActionGroupData } from "@mantine/spotlight";
import { useDebouncedValue } from "@mantine/hooks";
import { IconSearch } from "@tabler/icons-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import styles from "./palette.module.css";
import { useFoundObjects, usePageActions } from "./palette-actions";

/** As the keys are labelled. */
const SHORTCUT = /Mac|iPhone|iPad/.test(navigator.userAgent) ? "⌘ K" : "Ctrl K";

/** Opens the palette; says how the keyboard does. */
export function PaletteButton() {
  const { t } = useTranslation();
  return (
    <UnstyledButton className={styles.button} onClick={() => spotlight.open()}>
      <IconSearch size={16} aria-hidden />
      <span className={styles.words}>{t("palette.open")}</span>
      <Kbd size="xs">{SHORTCUT}</Kbd>
    </UnstyledButton>
  );
}

/** Ctrl/Cmd-K: finds pages and objects by name, and acts. */
export function Palette() {
  const { t } = useTranslation();
  const [typed, setTyped] = useState("");
  const [query] = useDebouncedValue(typed.trim(), 150);
  const pages = usePageActions();
  const objects = useFoundObjects(query);
  const groups: SpotlightActionGroupData[] = [...pages, ...objects].filter(
    (group) => group.actions.length > 0,
  );
  return (
    <Spotlight
      actions={groups}
      query={typed}
      onQueryChange={setTyped}
      shortcut="mod + K"
      scrollable
      maxHeight={440}
      lockScroll={false}
      nothingFound={t("palette.nothing")}
      searchProps={{
        leftSection: <IconSearch size={18} aria-hidden />,
        placeholder: t("palette.placeholder"),
        "aria-label": t("palette.placeholder"),
      }}
    />
  );
}
