import { cpuUsage } from "node:process";
import { type Entry, EntryKind } from "../src/raft/types.ts";
import {
  NO_IDENTITY,
  stampEnvelope,
  writeEnvelope,
  type WriteIdentity,
} from "../src/state/envelope.ts";
import { writeKvCommand } from "../src/state/kv/command.ts";
import { CacheMachine } from "../src/state/kv/machine.ts";
import { MemoryKvStore, memoryStores } from "../src/state/kv/memory/store.ts";
import type { Pace } from "../src/state/kv/pace.ts";
import { EventFeed } from "../src/group/event_feed.ts";
import { MEMORY_SPACE } from "../src/state/kv/snapshot/bytes.ts";
import { encode } from "../src/util/bytes.ts";

/** What applying a put costs a member, µs of processor time, the collector's threads included. */
export interface CacheApplyTiming {
  /** Puts that share an entry of the log. */
  readonly pack: number;
  /** Of keys that are not there yet. */
  readonly fresh: number;
  /** Of keys that are there. */
  readonly again: number;
}

const KEYS = 200_000;
const TTL_MS = 30_000;
/** Packs of entries that come in one batch. */
const BATCH = 4;
/** Nobody else wants a turn. */
const AT_ONCE: Pace = {
  now: () => 0,
  soon: (next) => next(),
  turn: (next) => next(),
};

/** Measures decoding, applying and answering puts with a time to live, in memory. */
export function measureCacheApply(): CacheApplyTiming[] {
  return [64, 256].map((pack) => {
    const applying = new Applying(pack);
    // Brings the code up to speed.
    applying.puts("warm up");
    const fresh = applying.puts("key");
    const again = applying.puts("key");
    applying.close();
    return { pack, fresh, again };
  });
}

/** A machine that applies packs of puts. */
class Applying {
  readonly #pack: number;
  readonly #machine = new CacheMachine({
    store: new MemoryKvStore(),
    stores: memoryStores(),
    space: MEMORY_SPACE,
    pace: AT_ONCE,
  });
  readonly #feed = new EventFeed(0);
  #index = 1;
  #sequence = 0;

  constructor(pack: number) {
    this.#pack = pack;
    this.#apply([this.#entry("openSession", 1, NO_IDENTITY)]);
  }

  /** Puts every key once; what one costs. */
  puts(prefix: string): number {
    const batches: Entry[][] = [];
    for (let at = 0; at < KEYS;) {
      const batch: Entry[] = [];
      for (let i = 0; i < BATCH; i++, at += this.#pack) {
        batch.push(this.#putsFrom(at, prefix));
      }
      batches.push(batch);
    }
    const before = cpuUsage();
    for (const batch of batches) this.#apply(batch);
    const { user, system } = cpuUsage(before);
    const puts = batches.length * BATCH * this.#pack;
    return Math.round((user + system) / puts * 1000) / 1000;
  }

  close(): void {
    this.#machine.close(() => {});
  }

  #apply(entries: readonly Entry[]): void {
    this.#machine.apply(entries, false, (error, _answers, events) => {
      if (error !== null) throw error;
      this.#feed.append(events, this.#machine.applied.index);
    });
  }

  #putsFrom(first: number, prefix: string): Entry {
    const sequence = ++this.#sequence;
    const identity = {
      session: 1,
      sequence,
      answeredBelow: Math.max(0, sequence - 3),
      idempotencyKey: "",
    };
    return this.#entry("command", ++this.#index, identity, first, prefix);
  }

  #entry(
    kind: "openSession" | "command",
    index: number,
    identity: WriteIdentity,
    first = 0,
    prefix = "",
  ): Entry {
    const units = Array.from({ length: this.#pack }, (_, i) => ({
      checks: [],
      operations: [{
        kind: "put" as const,
        cache: "bench",
        key: `${prefix} ${first + i}`,
        value: { kind: "text" as const, bytes: value(first + i) },
        ttlMs: TTL_MS,
      }],
    }));
    const payload = encode((writer) =>
      writeEnvelope(
        writer,
        kind,
        identity,
        kind === "command"
          ? (writer) => writeKvCommand(writer, units)
          : undefined,
      )
    );
    stampEnvelope(payload, {
      // Nothing is due meanwhile.
      clockMs: index,
      timeMs: 1_700_000_000_000,
      seedA: index,
      seedB: 0,
    });
    return { index, term: 1, kind: EntryKind.command, payload };
  }
}

const encoder = new TextEncoder();

function value(n: number): Uint8Array {
  return encoder.encode(`benchmark value ${n}`);
}
