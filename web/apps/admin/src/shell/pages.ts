import {
  IconCalendarRepeat,
  IconCamera,
  IconDatabase,
  IconDeviceDesktop,
  IconLayoutDashboard,
  IconPlayerPlay,
  IconRestore,
  type TablerIcon,
} from "@tabler/icons-react";

/** The pages of the left navigation, in its order; the palette finds them too. */
export const PAGES = [
  { to: "/o/$org", name: "overview", Icon: IconLayoutDashboard, acts: false },
  { to: "/o/$org/runs", name: "runs", Icon: IconPlayerPlay, acts: false },
  { to: "/o/$org/jobs", name: "jobs", Icon: IconCalendarRepeat, acts: false },
  { to: "/o/$org/agents", name: "agents", Icon: IconDeviceDesktop, acts: false },
  { to: "/o/$org/snapshots", name: "snapshots", Icon: IconCamera, acts: false },
  { to: "/o/$org/restore", name: "restore", Icon: IconRestore, acts: true },
  { to: "/o/$org/repositories", name: "repositories", Icon: IconDatabase, acts: false },
] as const satisfies readonly {
  to: string;
  name: string;
  Icon: TablerIcon;
  /** Of use only to who may act. */
  acts: boolean;
}[];
