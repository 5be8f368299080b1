import type { TablerIcon } from "@tabler/icons-react";

/** Something that can be done with several rows of a list at once. */
export interface BulkAct<Row> {
  id: string;
  label: string;
  Icon: TablerIcon;
  /** Whether it makes sense for a row; the others are left as they are. */
  fits: (row: Row) => boolean;
  /** Throws what the API answered. */
  act: (row: Row) => Promise<unknown>;
  /** Asked before, where something is lost; `typed`: their number has to be typed as well. */
  question?: { title: string; text: string; typed?: boolean };
}
