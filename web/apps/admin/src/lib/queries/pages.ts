import { infiniteQueryOptions, useInfiniteQuery, type QueryKey } from "@tanstack/react-query";

export interface Page<Item> {
  items: Item[];
  next_cursor?: string | null;
}

/** Which page of a list is asked for: that at the cursor, undefined for the first. */
export interface Asked {
  cursor: string | undefined;
  signal: AbortSignal;
  /** At most so many items; undefined: as many as the server thinks fit. */
  limit?: number | undefined;
}

/** Asks for a page of a list. */
export type Ask<Item> = (asked: Asked) => Promise<Page<Item>>;

/** Options of a list that comes in pages. */
export function pagedQuery<Item>(queryKey: QueryKey, ask: Ask<Item>) {
  return infiniteQueryOptions({
    queryKey,
    queryFn: ({ pageParam, signal }) => ask({ cursor: pageParam, signal }),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (last) => last.next_cursor ?? undefined,
    // While another filter loads, what was there stays: no jump to an empty page and back.
    placeholderData: (before) => before,
  });
}

/** A paged list as its rows, and how to get more of them. */
export function usePages<Item>(options: ReturnType<typeof pagedQuery<Item>>) {
  const query = useInfiniteQuery(options);
  return {
    query,
    rows: query.data?.pages.flatMap((page) => page.items) ?? [],
    more: query.hasNextPage
      ? { load: () => void query.fetchNextPage(), loading: query.isFetchingNextPage }
      : undefined,
  };
}
