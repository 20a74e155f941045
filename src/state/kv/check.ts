import { StateDamagedError } from "../port.ts";
import type { CacheContents } from "./contents.ts";
import { hashOfCounter, hashOfEntry } from "./contents_hash.ts";

/** Records that are read with each step, as long as they are small. */
const RECORDS_PER_STEP = 100;
/** Bytes that count like a record. */
const RECORD_BYTES = 1024;

/** What was counted again of one number. */
interface Recount {
  hash: number;
  count: number;
}

/**
 * Reads everything that is stored, a piece with each step, which finds what a store itself knows to be damaged. If nothing
 * was changed meanwhile, as `changes` tells, it is compared with what was counted when it was written.
 * @throws {StateDamagedError}
 */
export function* recount(
  contents: CacheContents,
  changes: () => number,
): Generator<void> {
  const before = changes();
  const counted = new Map<number, Recount>();
  const records = contents.store.scan();
  let left = RECORDS_PER_STEP;
  for (let next = records.next(); !next.done; next = records.next()) {
    const { cache, key } = next.value;
    let sum = counted.get(cache);
    if (sum === undefined) counted.set(cache, sum = { hash: 0, count: 0 });
    const hash = next.value.kind === "entry"
      ? hashOfEntry(cache, key, next.value.entry)
      : hashOfCounter(cache, key, next.value.counter);
    sum.hash = sum.hash + hash >>> 0;
    sum.count++;
    left -= 1 +
      (next.value.kind === "entry"
        ? next.value.entry.bytes.length / RECORD_BYTES
        : 0);
    if (left > 0) continue;
    left = RECORDS_PER_STEP;
    yield;
  }
  if (changes() === before) compare(contents, counted);
}

function compare(
  contents: CacheContents,
  counted: ReadonlyMap<number, Recount>,
): void {
  for (const cache of contents.caches) {
    const { name, id, entries, hash, counterId, counters, counterHash } = cache;
    compareOne(`entries of ${name}`, counted.get(id), entries, hash);
    compareOne(
      `counters of ${name}`,
      counted.get(counterId),
      counters,
      counterHash,
    );
  }
}

function compareOne(
  what: string,
  { hash, count }: Recount = { hash: 0, count: 0 },
  expectedCount: number,
  expectedHash: number,
): void {
  if (hash === expectedHash && count === expectedCount) return;
  throw new StateDamagedError(
    `The ${what} are not what was written: ${count} of ${expectedCount} are there, their hash is ${hash}, not ${expectedHash}`,
  );
}
