/**
 * A server-sent stream that comes back by itself.
 *
 * EventSource repeats broken connections, but gives up for good on an answer that is not 200 (a restart of the
 * server, an ended session): then we wait, ask `mayGoOn`, and open a new one.
 */

const FIRST_PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 30_000;

export interface StreamEvents {
  /** The data of each named event. */
  on: Record<string, (data: string) => void>;
  opened?: () => void;
  lost?: () => void;
  /** Asked before a new connection after a refusal; false: it would be refused again. */
  mayGoOn?: () => Promise<boolean>;
}

/** Opens the stream at `url`; the function given back closes it. */
export function openStream(url: string, events: StreamEvents): () => void {
  let source: EventSource | null = null;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let pause = FIRST_PAUSE_MS;
  let closed = false;

  function open(): void {
    source = new EventSource(url);
    source.onopen = () => {
      pause = FIRST_PAUSE_MS;
      events.opened?.();
    };
    source.onerror = () => {
      events.lost?.();
      if (source?.readyState === EventSource.CLOSED) again();
    };
    for (const [name, handle] of Object.entries(events.on)) {
      source.addEventListener(name, (event: MessageEvent<string>) => handle(event.data));
    }
  }

  function again(): void {
    timer = setTimeout(() => {
      void (events.mayGoOn?.() ?? Promise.resolve(true))
        .catch(() => true) // not reachable: that passes
        .then((may) => {
          if (may && !closed) open();
        });
    }, pause);
    pause = Math.min(pause * 2, LONGEST_PAUSE_MS);
  }

  open();
  return () => {
    closed = true;
    clearTimeout(timer);
    source?.close();
  };
}
