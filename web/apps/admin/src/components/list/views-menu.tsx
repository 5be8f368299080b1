import { ActionIcon, Button, Group, Popover, Stack, Text, TextInput } from "@mantine/core";
import { IconBookmark, IconTrash } from "@tabler/icons-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import { useKept } from "../../lib/kept";
import { useOrg, useSession } from "../../lib/organization";
import { areViews, isSameView, withView, type SavedView } from "../../lib/saved-views";

const LONGEST_NAME = 60;

interface Props {
  /** The list that the views are of. */
  list: string;
  /** What is shown now. */
  present: Omit<SavedView, "name">;
  show: (view: SavedView) => void;
}

/** Filters, orders and columns under a name, to come back to. */
export function ViewsMenu(props: Props) {
  const { t } = useTranslation();
  const [opened, open] = useState(false);
  return (
    <Popover
      opened={opened}
      onChange={open}
      position="bottom-end"
      trapFocus
      returnFocus
      shadow="md"
      width={320}
    >
      <Popover.Target>
        <Button
          variant="default"
          size="xs"
          leftSection={<IconBookmark size={16} aria-hidden />}
          onClick={() => open(!opened)}
        >
          {t("list.views")}
        </Button>
      </Popover.Target>
      <Popover.Dropdown>
        <Views {...props} close={() => open(false)} />
      </Popover.Dropdown>
    </Popover>
  );
}

function Views({ list, present, show, close }: Props & { close: () => void }) {
  const org = useOrg();
  const { t } = useTranslation();
  const { user } = useSession();
  const { value, keep, isStored } = useKept(`sbs.views.${user.id}.${org}.${list}`, areViews);
  const views = value ?? [];
  return (
    <Stack gap="sm">
      {views.length === 0 ? (
        <Text size="sm">{t("list.viewsNone")}</Text>
      ) : (
        <Stack gap={2}>
          {views.map((view) => (
            <Group key={view.name} gap={4} wrap="nowrap">
              <Button
                variant={isSameView(view, present) ? "light" : "subtle"}
                aria-current={isSameView(view, present)}
                justify="flex-start"
                flex={1}
                miw={0}
                title={view.name}
                onClick={() => {
                  show(view);
                  close();
                }}
              >
                {view.name}
              </Button>
              <ActionIcon
                variant="subtle"
                color="gray"
                aria-label={t("list.viewRemove", { name: view.name })}
                onClick={() => keep(views.filter((each) => each !== view))}
              >
                <IconTrash size={16} aria-hidden />
              </ActionIcon>
            </Group>
          ))}
        </Stack>
      )}
      <SaveView save={(name) => keep(withView(views, { name, ...present }))} />
      {isStored ? (
        <Text size="xs" c="dimmed">
          {t("list.viewsHere")}
        </Text>
      ) : (
        <Text size="xs" role="alert">
          {t("list.notStored")}
        </Text>
      )}
    </Stack>
  );
}

function SaveView({ save }: { save: (name: string) => void }) {
  const { t } = useTranslation();
  const [name, setName] = useState("");
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        if (name.trim() === "") return;
        save(name.trim());
        setName("");
      }}
    >
      <Group gap="xs" align="flex-end" wrap="nowrap">
        <TextInput
          label={t("list.viewName")}
          value={name}
          maxLength={LONGEST_NAME}
          onChange={(event) => setName(event.currentTarget.value)}
          autoComplete="off"
          flex={1}
          data-autofocus
        />
        <Button type="submit" disabled={name.trim() === ""}>
          {t("act.save")}
        </Button>
      </Group>
    </form>
  );
}
