import { Button, Radio, Stack } from "@mantine/core";
import { IconX } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";

import { FolderBrowser } from "../../components/folder-browser";
import { toggled } from "./restore-draft";
import type { StepProps } from "./restore-page";
import { SnapshotLine } from "./snapshot-line";
import styles from "./step-files.module.css";

/** Which files: all, or those that are marked. The marks stay while one looks around. */
export function StepFiles({ draft, set }: StepProps) {
  const { t } = useTranslation();
  const { snapshotId } = draft;
  if (snapshotId === null) return null;
  const toggle = (path: string) => set({ paths: toggled(draft.paths, path) });
  return (
    <Stack gap="md">
      <SnapshotLine snapshotId={snapshotId} />
      <Radio.Group
        aria-label={t("restore.step.files")}
        value={draft.everything ? "all" : "some"}
        onChange={(value) => set({ everything: value === "all" })}
      >
        <Stack gap="xs">
          <Radio value="some" label={t("restore.someFiles")} />
          <Radio value="all" label={t("restore.allFiles")} />
        </Stack>
      </Radio.Group>
      {draft.everything ? null : (
        <>
          <div role="status">
            {draft.paths.length === 0 ? (
              <p className={styles.hint}>{t("restore.nothingChosen")}</p>
            ) : (
              <ul className={styles.chosen} aria-label={t("restore.selection")}>
                {draft.paths.map((path) => (
                  <li key={path}>
                    <Button
                      variant="light"
                      size="compact-xs"
                      rightSection={<IconX size={13} aria-hidden />}
                      onClick={() => toggle(path)}
                      aria-label={t("restore.unchoose", { path })}
                    >
                      {path}
                    </Button>
                  </li>
                ))}
              </ul>
            )}
          </div>
          <div className={styles.frame}>
            <FolderBrowser
              snapshotId={snapshotId}
              path={draft.folder}
              open={(folder) => set({ folder })}
              selection={{ paths: draft.paths, toggle }}
            />
          </div>
        </>
      )}
    </Stack>
  );
}
