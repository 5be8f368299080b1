import { Button } from "@mantine/core";
import { ConfirmDangerous } from "@sbs/ui/confirm-dangerous";
import { DataTable, type Column } from "@sbs/ui/data-table";
import { PageHeader } from "@sbs/ui/page-header";
import { RelativeTime } from "@sbs/ui/relative-time";
import { EmptyState } from "@sbs/ui/states";
import { StatusBadge } from "@sbs/ui/status-badge";
import { IconKey, IconPlus } from "@tabler/icons-react";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import { ButtonLink, PageLink } from "../../components/link";
import { ProblemView } from "../../components/problem-view";
import { QueryView } from "../../components/query-view";
import { useOrg, useRights } from "../../lib/organization";
import { revokeToken, tokensQuery, type Token } from "../../lib/queries/agents";
import { usePages } from "../../lib/queries/pages";

export function TokensPage() {
  const org = useOrg();
  const { t } = useTranslation();
  const { operate } = useRights();
  const { query, rows, more } = usePages(tokensQuery(org));
  const [chosen, choose] = useState<Token | null>(null);
  const columns = useColumns(operate ? choose : undefined);
  const enrol = operate ? (
    <ButtonLink
      to="/o/$org/agents"
      params={{ org }}
      search={{ enrol: true }}
      leftSection={<IconPlus size={16} aria-hidden />}
    >
      {t("agents.enrol")}
    </ButtonLink>
  ) : undefined;
  return (
    <>
      <PageHeader
        trail={
          <PageLink to="/o/$org/agents" params={{ org }}>
            {t("pages.agents")}
          </PageLink>
        }
        title={t("tokens.title")}
        description={t("tokens.about")}
        actions={enrol}
      />
      <QueryView query={query}>
        {() =>
          rows.length === 0 ? (
            <EmptyState
              icon={IconKey}
              title={t("tokens.none")}
              description={t("tokens.noneText")}
              action={enrol}
            />
          ) : (
            <DataTable
              label={t("tokens.title")}
              columns={columns}
              rows={rows}
              rowKey={(token) => token.id}
              more={more}
            />
          )
        }
      </QueryView>
      <RevokeToken token={chosen} close={() => choose(null)} />
    </>
  );
}

function useColumns(choose: ((token: Token) => void) | undefined): Column<Token>[] {
  const { t } = useTranslation();
  const columns: Column<Token>[] = [
    { id: "name", header: t("field.name"), cell: (token) => <span title={token.name}>{token.name}</span> },
    {
      id: "status",
      header: t("field.status"),
      width: "150px",
      cell: (token) => <StatusBadge status={token.state} />,
    },
    {
      id: "uses",
      header: t("tokens.uses"),
      numeric: true,
      width: "130px",
      cell: (token) => t("tokens.usesOf", { used: token.used_count, most: token.max_uses }),
    },
    {
      id: "created",
      minor: true,
      header: t("field.created"),
      cell: (token) => <RelativeTime at={token.created_at} />,
    },
    { id: "expires", header: t("tokens.expires"), cell: (token) => <RelativeTime at={token.expires_at} /> },
  ];
  if (choose === undefined) return columns;
  const acts: Column<Token> = {
    id: "acts",
    header: t("field.acts"),
    quietHeader: true,
    width: "120px",
    cell: (token) =>
      token.state === "usable" ? (
        <Button
          variant="subtle"
          color="red"
          size="compact-xs"
          onClick={() => choose(token)}
          aria-label={t("tokens.revokeNamed", { name: token.name })}
        >
          {t("act.revoke")}
        </Button>
      ) : null,
  };
  return [...columns, acts];
}

function RevokeToken({ token, close }: { token: Token | null; close: () => void }) {
  const org = useOrg();
  const { t } = useTranslation();
  const client = useQueryClient();
  const revoking = useMutation({
    mutationFn: (id: string) => revokeToken(org, id),
    onSuccess: async () => {
      await client.invalidateQueries({ queryKey: [org, "tokens"] });
      close();
    },
  });
  return (
    <ConfirmDangerous
      opened={token !== null}
      close={close}
      title={t("tokens.revokeTitle")}
      act={t("act.revoke")}
      confirm={() => token !== null && revoking.mutate(token.id)}
      busy={revoking.isPending}
      error={revoking.isError ? <ProblemView error={revoking.error} /> : null}
    >
      {t("tokens.revokeText", { name: token?.name })}
    </ConfirmDangerous>
  );
}
