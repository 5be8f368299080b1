/**
 * What this browser keeps between visits, for this machine's person alone. It may be forbidden (by a company's rules, in
 * a private window) or full: then nothing is read, and who writes is told. No secrets go in here. No React in here.
 */

/** Null: there is nothing, or nothing may be there. */
export function readStored(key: string): string | null {
  try {
    return localStorage.getItem(key);
  } catch {
    return null; // forbidden: the same as a browser that was never here
  }
}

/** Null takes it away. False: it could not be kept. */
export function store(key: string, text: string | null): boolean {
  try {
    if (text === null) localStorage.removeItem(key);
    else localStorage.setItem(key, text);
    return true;
  } catch {
    return false; // forbidden or full; nothing can be done about it here
  }
}
