import { ActionIcon, Menu, useMantineColorScheme, type MantineColorScheme } from "@mantine/core";
import { IconCheck, IconDeviceDesktop, IconMoon, IconSun, type TablerIcon } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";

const SCHEMES: readonly { value: MantineColorScheme; name: "light" | "dark" | "system"; Icon: TablerIcon }[] =
  [
    { value: "light", name: "light", Icon: IconSun },
    { value: "dark", name: "dark", Icon: IconMoon },
    { value: "auto", name: "system", Icon: IconDeviceDesktop },
  ];

export function SchemeMenu() {
  const { colorScheme, setColorScheme } = useMantineColorScheme({
    // Holding transitions back takes an inline style, which the policy forbids.
    keepTransitions: true,
  });
  const { t } = useTranslation();
  const Current = SCHEMES.find((scheme) => scheme.value === colorScheme)?.Icon ?? IconSun;
  return (
    <Menu position="bottom-end">
      <Menu.Target>
        <ActionIcon variant="subtle" color="gray" size={34} aria-label={t("shell.scheme")}>
          <Current size={18} stroke={1.7} aria-hidden />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        {SCHEMES.map(({ value, name, Icon }) => (
          <Menu.Item
            key={value}
            leftSection={<Icon size={16} aria-hidden />}
            rightSection={value === colorScheme ? <IconCheck size={15} aria-hidden /> : null}
            onClick={() => setColorScheme(value)}
          >
            {t(`scheme.${name}`)}
          </Menu.Item>
        ))}
      </Menu.Dropdown>
    </Menu>
  );
}
