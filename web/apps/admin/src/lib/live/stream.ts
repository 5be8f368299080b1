/**
 * A server-sent stream that comes back by itself.
 *
 * EventSource repeats broken connections, but gives up for good on an answer that is not 200 (a restart of the
 * server, an ended session, too many windows) and does not say what it was: then we ask by `verdict`, and open a new
 * one when it may be.
 */

const FIRST_PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 30_000;

/** Whether a stream that was refused may be asked for again: now, never, or in so many seconds. */
export type Verdict = "now" | "never" | { waitS: number };

export interface StreamEvents {
  /** The data of each named event. */
  on: Record<string, (data: string) => void>;
  opened?: () => void;
  lost?: () => void;
  /** The server lets no more streams in; it is asked again in so many seconds and not before. */
  tooMany?: (waitS: number) => void;
  /** Asked after a refusal, before a new connection. What it throws means that the server can't be reached. */
  verdict?: () => Promise<Verdict>;
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
    later(pause);
    pause = Math.min(pause * 2, LONGEST_PAUSE_MS);
  }

  function later(ms: number): void {
    timer = setTimeout(() => {
      const asked = events.verdict?.() ?? Promise.resolve("now" as const);
      void asked.catch(() => "now" as const).then(obey); // not reachable: that passes
    }, ms);
  }

  function obey(verdict: Verdict): void {
    if (closed || verdict === "never") return;
    if (verdict === "now") return open();
    events.tooMany?.(verdict.waitS);
    later(verdict.waitS * 1000);
  }

  open();
  return () => {
    closed = true;
    clearTimeout(timer);
    source?.close();
  };
}
