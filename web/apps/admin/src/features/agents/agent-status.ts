import type { Status } from "@sbs/ui/status-list";

import type { Agent } from "../../lib/queries/agents";

export function agentStatus(agent: Pick<Agent, "state" | "connected">): Status {
  if (agent.state === "revoked") return "revoked";
  return agent.connected ? "connected" : "offline";
}

const SYSTEMS: Record<string, string> = {
  linux: "Linux",
  windows: "Windows",
  darwin: "macOS",
  macos: "macOS",
};

/** "Debian GNU/Linux 12 · x86_64": names of products, the same in every language. */
export function systemName(agent: Pick<Agent, "os" | "os_version" | "arch">): string {
  const system = agent.os_version || (SYSTEMS[agent.os.toLowerCase()] ?? agent.os);
  return [system, agent.arch].filter(Boolean).join(" · ");
}
