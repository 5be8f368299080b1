/** One act on several objects. No React in here. */

/** How many are under way at once: quick enough, and no flood for the server. */
const AT_ONCE = 4;

export interface Outcome<Row> {
  row: Row;
  /** Null: it is done. */
  error: unknown;
}

/** Does `act` for each row, a few at a time. Never throws: each row has its outcome, in the order of the rows. */
export async function actOnEach<Row>(
  rows: readonly Row[],
  act: (row: Row) => Promise<unknown>,
  told: (done: number) => void,
): Promise<Outcome<Row>[]> {
  const outcomes: Outcome<Row>[] = rows.map((row) => ({ row, error: null }));
  const left = outcomes.values();
  let done = 0;

  async function work(): Promise<void> {
    for (const outcome of left) {
      try {
        await act(outcome.row);
      } catch (error) {
        outcome.error = error;
      }
      done += 1;
      told(done);
    }
  }
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, rows.length) }, work));
  return outcomes;
}
