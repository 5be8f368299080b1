import { readStored, store } from "./browser-storage";

const KEY = "sbs.organization";

/** The organization whose pages were open last in this browser; null: none were. */
export function lastOrganization(): string | null {
  return readStored(KEY);
}

export function rememberOrganization(org: string): void {
  store(KEY, org);
}
