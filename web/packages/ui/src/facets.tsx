import { Chip, Group, TextInput } from "@mantine/core";
import { useDebouncedCallback } from "@mantine/hooks";
import { IconSearch } from "@tabler/icons-react";
import { useEffect, useState, type ReactNode } from "react";

import styles from "./facets.module.css";

interface SearchProps {
  label: string;
  value: string;
  change: (text: string) => void;
}

/** As one types, but not for each key. */
const PAUSE_MS = 180;

/** A filter as one types. The address holds the value; the field keeps up when it changes elsewhere. */
export function SearchField({ label, value, change }: SearchProps) {
  const [typed, setTyped] = useState(value);
  const later = useDebouncedCallback(change, PAUSE_MS);
  useEffect(() => setTyped(value), [value]);
  return (
    <TextInput
      type="search"
      aria-label={label}
      placeholder={label}
      value={typed}
      leftSection={<IconSearch size={16} aria-hidden />}
      w={260}
      onChange={(event) => {
        setTyped(event.currentTarget.value);
        later(event.currentTarget.value.trim());
      }}
    />
  );
}

interface FacetProps<Value extends string> {
  label: string;
  options: readonly { value: Value; label: string }[];
  value: Value | undefined;
  change: (value: Value | undefined) => void;
}

/** One choice of a few, as chips; the chosen one again takes the choice back. */
export function FacetChips<Value extends string>({ label, options, value, change }: FacetProps<Value>) {
  return (
    <Group gap={6} role="group" aria-label={label}>
      {options.map((option) => (
        <Chip
          key={option.value}
          size="xs"
          variant="outline"
          checked={option.value === value}
          onChange={(checked) => change(checked ? option.value : undefined)}
        >
          {option.label}
        </Chip>
      ))}
    </Group>
  );
}

interface FilterBarProps {
  children: ReactNode;
  /** At the right: what can be done with the list as it is. */
  tools?: ReactNode;
}

/** The line above a list. */
export function FilterBar({ children, tools }: FilterBarProps) {
  return (
    <div className={styles.bar}>
      <div className={styles.facets}>{children}</div>
      {tools === undefined ? null : <div className={styles.tools}>{tools}</div>}
    </div>
  );
}
