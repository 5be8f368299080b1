import { Anchor } from "@mantine/core";
import { CopyableId } from "@sbs/ui/copyable-id";
import { PageHeader } from "@sbs/ui/page-header";
import { Bytes, Count } from "@sbs/ui/quantities";
import { Facts, Section } from "@sbs/ui/section";
import { Notice } from "@sbs/ui/states";
import { StatusBadge } from "@sbs/ui/status-badge";
import { useFormat } from "@sbs/ui/use-format";
import { IconDownload, IconRestore } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { useNavigate, useParams, useSearch } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";

import { FolderBrowser } from "../../components/folder-browser";
import { ButtonLink, PageLink } from "../../components/link";
import { QueryView } from "../../components/query-view";
import { snapshotStatus } from "../../components/snapshot-columns";
import { useOrg, useRights } from "../../lib/organization";
import {
  contentAddress,
  snapshotQuery,
  type FileEntry,
  type SnapshotDetail,
} from "../../lib/queries/snapshots";
import styles from "./snapshot-page.module.css";

export function SnapshotPage() {
  const org = useOrg();
  const { snapshotId } = useParams({ from: "/signed-in/o/$org/snapshots/$snapshotId" });
  const query = useQuery(snapshotQuery(org, snapshotId));
  return <QueryView query={query}>{(snapshot) => <SnapshotView snapshot={snapshot} />}</QueryView>;
}

function SnapshotView({ snapshot }: { snapshot: SnapshotDetail }) {
  const org = useOrg();
  const { t } = useTranslation();
  const format = useFormat();
  const { operate } = useRights();
  const isForgotten = snapshot.forgotten_at !== null;
  return (
    <>
      <PageHeader
        trail={
          <PageLink to="/o/$org/snapshots" params={{ org }}>
            {t("pages.snapshots")}
          </PageLink>
        }
        title={format.short(new Date(snapshot.taken_at))}
        status={<StatusBadge status={snapshotStatus(snapshot)} />}
        description={<Origin snapshot={snapshot} />}
        actions={
          operate && !isForgotten ? (
            <ButtonLink
              to="/o/$org/restore"
              params={{ org }}
              search={{ snapshot: snapshot.id }}
              leftSection={<IconRestore size={16} aria-hidden />}
            >
              {t("restore.start")}
            </ButtonLink>
          ) : undefined
        }
      />
      {snapshot.complete ? null : (
        <Notice tone="warning" title={t("snapshots.incomplete")}>
          <PageLink to="/o/$org/runs/$runId" params={{ org, runId: snapshot.run_id }}>
            {t("snapshots.seeWarnings")}
          </PageLink>
        </Notice>
      )}
      <SnapshotFacts snapshot={snapshot} />
      {isForgotten ? (
        <Notice tone="quiet" title={t("snapshots.forgottenText")} />
      ) : (
        <Section title={t("snapshots.content")} flush>
          <Browser snapshot={snapshot} />
        </Section>
      )}
    </>
  );
}

function Origin({ snapshot }: { snapshot: SnapshotDetail }) {
  const org = useOrg();
  return (
    <>
      <PageLink to="/o/$org/agents/$agentId" params={{ org, agentId: snapshot.agent_id }}>
        {snapshot.agent_name}
      </PageLink>
      {" · "}
      <PageLink to="/o/$org/jobs/$jobId" params={{ org, jobId: snapshot.job_id }}>
        {snapshot.job_name}
      </PageLink>
    </>
  );
}

function SnapshotFacts({ snapshot }: { snapshot: SnapshotDetail }) {
  const org = useOrg();
  const { t } = useTranslation();
  return (
    <Section title={t("snapshots.facts")}>
      <Facts
        items={[
          { label: t("snapshots.files"), value: <Count value={snapshot.files} /> },
          { label: t("files.size"), value: <Bytes value={snapshot.size_bytes} /> },
          { label: t("runs.added"), value: <Bytes value={snapshot.added_bytes} /> },
          {
            label: t("jobs.sources"),
            value: snapshot.paths.map((path) => (
              <div key={path} className="sbs-mono">
                {path}
              </div>
            )),
          },
          {
            label: t("snapshots.run"),
            value: (
              <PageLink to="/o/$org/runs/$runId" params={{ org, runId: snapshot.run_id }}>
                {t("overview.itsRun")}
              </PageLink>
            ),
          },
          {
            label: t("snapshots.copies"),
            value: snapshot.copies.map((copy) => (
              <div key={copy.restic_repository_id} className={styles.copy}>
                <PageLink
                  to="/o/$org/repositories/$repositoryId"
                  params={{ org, repositoryId: copy.repository_id }}
                >
                  {copy.repository_name}
                </PageLink>
                <CopyableId id={copy.restic_snapshot_id} short="start" label={t("runs.resticSnapshot")} />
                {copy.state === "present" ? null : <StatusBadge status={copy.state} />}
              </div>
            )),
          },
        ]}
      />
    </Section>
  );
}

function Browser({ snapshot }: { snapshot: SnapshotDetail }) {
  const { path = "/" } = useSearch({ from: "/signed-in/o/$org/snapshots/$snapshotId" });
  const navigate = useNavigate({ from: "/o/$org/snapshots/$snapshotId" });
  const { operate } = useRights();
  return (
    <FolderBrowser
      snapshotId={snapshot.id}
      path={path}
      open={(to) => void navigate({ search: { path: to }, resetScroll: false })}
      acts={operate ? (entry) => <EntryActs snapshotId={snapshot.id} entry={entry} /> : undefined}
    />
  );
}

function EntryActs({ snapshotId, entry }: { snapshotId: string; entry: FileEntry }) {
  const org = useOrg();
  const { t } = useTranslation();
  if (!entry.addressable) return null;
  return (
    <span className={styles.acts}>
      <PageLink
        to="/o/$org/restore"
        params={{ org }}
        search={{ snapshot: snapshotId, pick: entry.path }}
        aria-label={t("restore.startNamed", { name: entry.name })}
      >
        <IconRestore size={17} stroke={1.7} aria-hidden />
      </PageLink>
      {entry.type === "file" ? (
        <Anchor
          href={contentAddress(org, snapshotId, entry.path)}
          download={entry.name}
          aria-label={t("files.download", { name: entry.name })}
        >
          <IconDownload size={17} stroke={1.7} aria-hidden />
        </Anchor>
      ) : null}
    </span>
  );
}
