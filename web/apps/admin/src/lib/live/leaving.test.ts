import { QueryClient, QueryObserver } from "@tanstack/react-query";
import { expect, test } from "vitest";

import { leave, refresh } from "./leaving";

const ONE = ["org", "jobs", "one", "id-1"];

/** A page that shows an object: how often it has asked for it. */
async function shown(): Promise<{ client: QueryClient; asked: () => number }> {
  const client = new QueryClient({ defaultOptions: { queries: { staleTime: Infinity, retry: false } } });
  let asked = 0;
  const queryFn = () => Promise.resolve(++asked);
  new QueryObserver(client, { queryKey: ONE, queryFn }).subscribe(() => undefined);
  await expect.poll(() => client.getQueryState(ONE)?.status).toBe("success");
  return { client, asked: () => asked };
}

test("a change has the page ask again", async () => {
  const { client, asked } = await shown();
  refresh(client, ["org", "jobs"]);
  await expect.poll(asked).toBe(2);
});

test("what is being deleted here is not asked for, though the stream speaks before the answer", async () => {
  const { client, asked } = await shown();
  await leave(client, "id-1", () => {
    refresh(client, ["org", "jobs"]);
    return Promise.resolve();
  });
  expect(client.isFetching()).toBe(0);
  expect(asked()).toBe(1);
});

test("if it could not be deleted, what was missed meanwhile is asked for", async () => {
  const { client, asked } = await shown();
  const refused = leave(client, "id-1", () => {
    refresh(client, ["org", "jobs"]);
    return Promise.reject(new Error("in use"));
  });
  await expect(refused).rejects.toThrow("in use");
  expect(asked()).toBe(2);
});
