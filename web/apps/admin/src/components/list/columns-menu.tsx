import { Button, Checkbox, Popover, Stack, Text } from "@mantine/core";
import { IconColumns3 } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";

import type { ColumnChoice } from "./list-columns";

/** Which columns the table has. */
export function ColumnsMenu<Row>({ all, shown, chosen, choose, isStored }: ColumnChoice<Row>) {
  const { t } = useTranslation();
  const ids = shown.map((column) => column.id);
  return (
    <Popover position="bottom-end" trapFocus returnFocus shadow="md">
      <Popover.Target>
        <Button variant="default" size="xs" leftSection={<IconColumns3 size={16} aria-hidden />}>
          {t("list.columns")}
        </Button>
      </Popover.Target>
      <Popover.Dropdown>
        <Stack gap={9}>
          {all.slice(1).map(({ id, header }) => (
            <Checkbox
              key={id}
              size="xs"
              label={header}
              checked={ids.includes(id)}
              onChange={(event) =>
                choose(event.currentTarget.checked ? [...ids, id] : ids.filter((each) => each !== id))
              }
            />
          ))}
          <Button
            variant="subtle"
            size="compact-sm"
            // There all the time, so that nothing moves under the pointer.
            disabled={chosen === null}
            onClick={() => choose(null)}
          >
            {t("list.columnsReset")}
          </Button>
          {isStored ? null : (
            <Text size="xs" maw={260} role="alert">
              {t("list.notStored")}
            </Text>
          )}
        </Stack>
      </Popover.Dropdown>
    </Popover>
  );
}
