import type { Query, QueryClient, QueryKey } from "@tanstack/react-query";

/** Ids of objects that are being deleted here, while their page is still on screen. */
const leaving = new Set<string>();

/**
 * Deletes an object and goes away from its page. The stream's word of the deletion may be here before the answer;
 * the page that is about to be left does not ask for what is gone. Throws what `act` throws.
 */
export async function leave(client: QueryClient, id: string, act: () => Promise<void>): Promise<void> {
  leaving.add(id);
  try {
    await act();
  } catch (error) {
    leaving.delete(id);
    await client.invalidateQueries({ predicate: (query) => query.queryKey.includes(id) });
    throw error;
  }
  leaving.delete(id);
}

/** Has everything below a key asked for again, but for what is being left. */
export function refresh(client: QueryClient, queryKey: QueryKey): void {
  const stays = (query: Query) =>
    !query.queryKey.some((part) => typeof part === "string" && leaving.has(part));
  void client.invalidateQueries({ queryKey, predicate: stays });
}
