import { CacheContents } from "../../../src/state/kv/contents.ts";
import { recount } from "../../../src/state/kv/check.ts";
import { EventLog } from "../../../src/state/kv/events.ts";
import { KvState } from "../../../src/state/kv/state.ts";
import type { KvStore } from "../../../src/state/kv/store.ts";
import type { KvReads } from "../../../src/state/kv/types.ts";
import { LIMITS } from "../kv_model.ts";
import { contentLines } from "./lines.ts";
import { isCounter, MAIN, mainKey } from "./units.ts";

/** Everything in a store in a canonical form, after what is counted of it was counted again. */
export function dumpOf(store: KvStore): string {
  const contents = new CacheContents(store, new EventLog());
  for (const _ of recount(contents, () => 0));
  // Nothing may be stored of a state that holds nothing, or that it stands before the first entry.
  if ((store.position?.applied.index ?? 0) === 0) return "nothing";
  const sessions = new KvState(store, { limits: LIMITS }).dumpSessions();
  const { applied, config, clockMs, timeMs, horizon, facts, hash, nextCache } =
    store.position!;
  return [
    `applied ${applied.index} of term ${applied.term}`,
    JSON.stringify({ config, clockMs, timeMs, horizon, facts }),
    `hash ${hash} next ${nextCache}`,
    ...contentLines(store),
    sessions,
  ].join("\n");
}

/** The value of a client's key as a read answers it. */
export function readMain(reads: KvReads, key: number, nowMs: number): string {
  if (isCounter(key)) {
    const counter = reads.counter(MAIN, mainKey(key), nowMs) ?? 0n;
    return counter === 0n ? "" : String(counter);
  }
  const entry = reads.get(MAIN, mainKey(key), nowMs);
  return entry === null ? "" : new TextDecoder().decode(entry.value.bytes);
}
