import { useCallback, useEffect, useRef, useState } from "react";

import { readStored, store } from "./browser-storage";
import { useOrg, useSession } from "./organization";

/**
 * A form's content that outlives reload, "back" and the end of a session: in this browser, for this person and
 * organization. No secrets go in here.
 */
export function useDraft<Draft>(
  name: string,
  initial: () => Draft,
): { draft: Draft; set: (part: Partial<Draft>) => void; clear: () => void; isKept: boolean } {
  const org = useOrg();
  const { user } = useSession();
  const key = `sbs.draft.${user.id}.${org}.${name}`;
  const [state, setState] = useState(() => read<Draft>(key, initial));
  // What a new form begins with changes while this one is open: somebody else may have saved.
  const first = useRef(initial);
  useEffect(() => {
    first.current = initial;
  });
  const set = useCallback(
    (part: Partial<Draft>) =>
      setState((before) => {
        const draft = { ...before.draft, ...part };
        store(key, JSON.stringify(draft));
        return { draft, isKept: true };
      }),
    [key],
  );
  const clear = useCallback(() => {
    store(key, null);
    setState({ draft: first.current(), isKept: false });
  }, [key]);
  return { ...state, set, clear };
}

function read<Draft>(key: string, initial: () => Draft): { draft: Draft; isKept: boolean } {
  const kept = readStored(key);
  if (kept === null) return { draft: initial(), isKept: false };
  // Members that a newer version added get their first value.
  return { draft: { ...initial(), ...(JSON.parse(kept) as Partial<Draft>) }, isKept: true };
}
