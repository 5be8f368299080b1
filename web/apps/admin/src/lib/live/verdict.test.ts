import { QueryClient } from "@tanstack/react-query";
import { expect, test, vi } from "vitest";

import { streamVerdict } from "./verdict";

const client = new QueryClient();

function verdict(status: number, headers: Record<string, string> = {}) {
  return streamVerdict(client, () => Promise.resolve({ response: new Response("", { status, headers }) }));
}

test("too many windows: as long as the server says, or a little while", async () => {
  expect(await verdict(429, { "Retry-After": "40" })).toEqual({ waitS: 40 });
  expect(await verdict(429)).toEqual({ waitS: 15 });
  expect(await verdict(429, { "Retry-After": "soon" })).toEqual({ waitS: 15 });
});

test("a server that comes back is asked again, and what was opened to find that out is closed", async () => {
  let signal: AbortSignal | undefined;
  const ask = (given: AbortSignal) => {
    signal = given;
    return Promise.resolve({ response: new Response("") });
  };
  expect(await streamVerdict(client, ask)).toBe("now");
  expect(signal?.aborted).toBe(true);
  expect(await verdict(503)).toBe("now");
});

test("who is not signed in any more, or may not see it, is not let in later either", async () => {
  const asked = vi.spyOn(client, "fetchQuery").mockResolvedValue(null);
  expect(await verdict(401)).toBe("never");
  expect(asked).toHaveBeenCalledOnce();
  expect(await verdict(404)).toBe("never");
});
