import { Select } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import { useOrg } from "../lib/organization";
import { agentQuery, agentsQuery } from "../lib/queries/agents";
import { jobQuery, jobsQuery } from "../lib/queries/jobs";

interface Props {
  kind: "agent" | "job";
  value: string | undefined;
  change: (id: string | undefined) => void;
}

/** One agent or job, found by a part of its name. The server searches: there may be thousands. */
export function ObjectFilter({ kind, value, change }: Props) {
  const { t } = useTranslation();
  const [typed, setTyped] = useState("");
  const [text] = useDebouncedValue(typed, 180);
  const found = useNamed(kind, text, value);
  return (
    <Select
      aria-label={t(`field.${kind}`)}
      placeholder={t(`field.${kind}`)}
      data={found}
      value={value ?? null}
      onChange={(id) => change(id ?? undefined)}
      searchable
      clearable
      clearButtonProps={{ "aria-label": t("act.clear") }}
      onSearchChange={setTyped}
      filter={({ options }) => options}
      nothingFoundMessage={t("list.nothingFound")}
      w={200}
    />
  );
}

function useNamed(kind: Props["kind"], text: string, chosen: string | undefined) {
  const org = useOrg();
  const isJob = kind === "job";
  const agents = useInfiniteQuery({ ...agentsQuery(org, { q: text }), enabled: !isJob });
  const jobs = useInfiniteQuery({ ...jobsQuery(org, { name: text }), enabled: isJob });
  // The chosen one keeps its name, whatever was searched for since.
  const agent = useQuery({ ...agentQuery(org, chosen ?? ""), enabled: !isJob && chosen !== undefined });
  const job = useQuery({ ...jobQuery(org, chosen ?? ""), enabled: isJob && chosen !== undefined });
  const pages: { items: { id: string; name: string }[] }[] | undefined = (isJob ? jobs : agents).data?.pages;
  const named = new Map((pages?.[0]?.items ?? []).map((item) => [item.id, item.name]));
  const own = isJob ? job.data : agent.data;
  if (own !== undefined && own.id === chosen) named.set(own.id, own.name);
  return [...named].map(([id, name]) => ({ value: id, label: name }));
}
