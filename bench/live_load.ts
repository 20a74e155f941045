import type { LocalClient } from "../mod.ts";
import { type Timing, timing } from "./load.ts";

/** From the call of a write on a member to what it and its followers there hear of it. */
export interface LiveTimings {
  /** The write's own answer. */
  readonly answer: Timing;
  /** The change of `changes()`. */
  readonly change: Timing;
  /** The rows of `live()`. */
  readonly rows: Timing;
}

const WRITES = 300;

/** Writes one row after the other, each when what the one before made known was heard. */
export async function liveLatency(client: LocalClient): Promise<LiveTimings> {
  await client.execute("CREATE TABLE IF NOT EXISTS _live (n INTEGER)");
  await client.execute("DELETE FROM _live");
  await client.execute("INSERT INTO _live VALUES (0)");
  const changes = client.changes({ tables: ["_live"] });
  const live = client.live("SELECT n FROM _live", [], { minIntervalMs: 0 });
  await live.next();
  const samples = {
    answer: [] as number[],
    change: [] as number[],
    rows: [] as number[],
  };
  const begin = performance.now();
  for (let n = 1; n <= WRITES; n++) {
    const start = performance.now();
    const took = (into: number[]) => (): void => {
      into.push(performance.now() - start);
    };
    await Promise.all([
      changes.next().then(took(samples.change)),
      live.next().then(took(samples.rows)),
      client.execute("UPDATE _live SET n = ?", [n]).then(took(samples.answer)),
    ]);
  }
  const ms = performance.now() - begin;
  await changes.return(undefined);
  await live.return(undefined);
  const summed = (own: number[]): Timing => timing(1, own, ms);
  return {
    answer: summed(samples.answer),
    change: summed(samples.change),
    rows: summed(samples.rows),
  };
}

let following: AbortController | undefined;

/** Follows a table by so many live queries of different text, and ends those of before. */
export async function liveFollow(
  client: LocalClient,
  { count, table }: { readonly count: number; readonly table: string },
): Promise<void> {
  following?.abort();
  following = new AbortController();
  const { signal } = following;
  await client.execute(`CREATE TABLE IF NOT EXISTS _idle (n INTEGER)`);
  const first = Array.from({ length: count }, async (_, n) => {
    const sql = `SELECT count(*), ${n} FROM ${table}`;
    const live = client.live(sql, [], { signal });
    await live.next();
    void (async () => {
      for await (const _rows of live) continue;
    })();
  });
  await Promise.all(first);
}
