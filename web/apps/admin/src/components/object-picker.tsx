import { MultiSelect, Select } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { useInfiniteQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import { useOrg } from "../lib/organization";
import { agentsQuery } from "../lib/queries/agents";
import { repositoriesQuery } from "../lib/queries/repositories";
import { useAgentNames, useRepositoryNames } from "./use-names";

interface PickerProps {
  label: string;
  description: string;
  value: readonly string[];
  change: (ids: string[]) => void;
  error?: string | undefined;
}

/** Several agents, found by a part of their names; revoked ones can't be chosen. */
export function AgentsPicker(props: PickerProps) {
  const [typed, setTyped] = useState("");
  const items = useActiveAgents(typed);
  const names = useAgentNames(missing(props.value, items));
  return <Picker {...props} found={items} names={names} typed={typed} setTyped={setTyped} />;
}

interface AgentProps {
  label: string;
  description: string;
  /** The one that is chosen; its name is shown even if it is revoked. */
  value: { id: string; name: string };
  change: (id: string) => void;
  error?: string | undefined;
  disabled: boolean;
}

/** One agent, as `AgentsPicker` has several. */
export function AgentPicker({ label, description, value, change, error, disabled }: AgentProps) {
  const { t } = useTranslation();
  const [typed, setTyped] = useState("");
  // The field holds the name of what is chosen: that is no search, else nothing else were offered.
  const items = useActiveAgents(typed === value.name ? "" : typed);
  const others = items.filter((item) => item.id !== value.id);
  return (
    <Select
      label={label}
      description={description}
      data={[value, ...others].map(({ id, name }) => ({ value: id, label: name }))}
      value={value.id}
      onChange={(id) => id !== null && change(id)}
      error={error}
      disabled={disabled}
      searchable
      onSearchChange={setTyped}
      filter={({ options }) => options}
      nothingFoundMessage={t("list.nothingFound")}
    />
  );
}

/** The first of the active agents whose names hold this text. */
function useActiveAgents(typed: string): Named[] {
  const org = useOrg();
  const [q] = useDebouncedValue(typed, 180);
  const found = useInfiniteQuery(agentsQuery(org, { q, sort: "name" }));
  return (found.data?.pages[0]?.items ?? []).filter((agent) => agent.state === "active");
}

/** Several repositories. */
export function RepositoriesPicker(props: PickerProps) {
  const org = useOrg();
  const [typed, setTyped] = useState("");
  const [name] = useDebouncedValue(typed, 180);
  const found = useInfiniteQuery(repositoriesQuery(org, { name }));
  const items = found.data?.pages[0]?.items ?? [];
  const names = useRepositoryNames(missing(props.value, items));
  return <Picker {...props} found={items} names={names} typed={typed} setTyped={setTyped} />;
}

interface Named {
  id: string;
  name: string;
}

/** Chosen ones that the search has not given: their names are asked for by themselves. */
function missing(chosen: readonly string[], found: readonly Named[]): string[] {
  return chosen.filter((id) => found.every((item) => item.id !== id));
}

interface InnerProps extends PickerProps {
  found: readonly Named[];
  names: Map<string, string>;
  typed: string;
  setTyped: (text: string) => void;
}

function Picker({ label, description, value, change, error, found, names, typed, setTyped }: InnerProps) {
  const { t } = useTranslation();
  const data = [
    ...missing(value, found).map((id) => ({ value: id, label: names.get(id) ?? "…" })),
    ...found.map((item) => ({ value: item.id, label: item.name })),
  ];
  return (
    <MultiSelect
      label={label}
      description={description}
      data={data}
      value={[...value]}
      onChange={change}
      error={error}
      searchable
      searchValue={typed}
      onSearchChange={setTyped}
      // The server has searched; what is chosen is not offered again.
      filter={({ options }) => options}
      hidePickedOptions
      nothingFoundMessage={t("list.nothingFound")}
    />
  );
}
