import { Bytes, Count } from "@sbs/ui/quantities";
import { RelativeTime } from "@sbs/ui/relative-time";
import { StatusBadge } from "@sbs/ui/status-badge";
import type { Status } from "@sbs/ui/status-list";
import { useTranslation } from "react-i18next";

import { PageLink } from "../../components/link";
import type { ListColumn } from "../../components/list/list-columns";
import { StorageBar } from "../../components/storage-bar";
import { useOrg } from "../../lib/organization";
import type { Repository } from "../../lib/queries/repositories";

export function repositoryStatus(repository: Pick<Repository, "problem">): Status {
  return repository.problem === null ? "ready" : "unusable";
}

export function useRepositoryColumns(): ListColumn<Repository>[] {
  const org = useOrg();
  const { t } = useTranslation();
  return [
    {
      id: "name",
      header: t("field.name"),
      sorts: ["name", "-name"],
      width: "22%",
      cell: (repository) => (
        <PageLink
          to="/o/$org/repositories/$repositoryId"
          params={{ org, repositoryId: repository.id }}
          title={repository.name}
        >
          {repository.name}
        </PageLink>
      ),
      csv: (repository) => repository.name,
    },
    {
      id: "status",
      header: t("field.status"),
      width: "140px",
      cell: (repository) => <StatusBadge status={repositoryStatus(repository)} />,
      csv: (repository) => t(`status.${repositoryStatus(repository)}`, { ns: "ui" }),
    },
    {
      id: "path",
      header: t("repositories.path"),
      cell: (repository) => (
        <span className="sbs-mono" title={repository.path}>
          {repository.path}
        </span>
      ),
      csv: (repository) => repository.path,
    },
    {
      id: "snapshots",
      header: t("pages.snapshots"),
      numeric: true,
      width: "100px",
      cell: (repository) => <Count value={repository.snapshots} />,
      csv: (repository) => repository.snapshots,
    },
    {
      id: "space",
      header: t("repositories.space"),
      csvHeader: t("list.inBytes", { what: t("repositories.free") }),
      width: "230px",
      cell: (repository) => <StorageBar place={repository} />,
      csv: (repository) => repository.free_bytes,
    },
    {
      id: "total",
      atFirst: false,
      header: t("repositories.total"),
      csvHeader: t("list.inBytes", { what: t("repositories.total") }),
      numeric: true,
      width: "120px",
      cell: (repository) => <Bytes value={repository.total_bytes} />,
      csv: (repository) => repository.total_bytes,
    },
    {
      id: "created",
      atFirst: false,
      header: t("field.created"),
      sorts: ["-created_at", "created_at"],
      width: "150px",
      cell: (repository) => <RelativeTime at={repository.created_at} />,
      csv: (repository) => repository.created_at,
    },
  ];
}
