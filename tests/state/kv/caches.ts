import assert from "node:assert/strict";
import { type Entry, EntryKind } from "../../../src/raft/types.ts";
import { type Answer, decodeAnswer } from "../../../src/state/answer.ts";
import {
  NO_IDENTITY,
  type WriteIdentity,
} from "../../../src/state/envelope.ts";
import { readKvAnswers } from "../../../src/state/kv/answer.ts";
import { writeKvCommand } from "../../../src/state/kv/command.ts";
import { changeIn } from "../../../src/state/kv/events.ts";
import {
  CacheMachine,
  type CacheMachineParts,
} from "../../../src/state/kv/machine.ts";
import {
  MemoryKvStore,
  memoryStores,
} from "../../../src/state/kv/memory/store.ts";
import { MEMORY_SPACE } from "../../../src/state/kv/snapshot/bytes.ts";
import type { KvStore } from "../../../src/state/kv/store.ts";
import type {
  KvAnswer,
  KvCheck,
  KvOperation,
  KvResult,
  KvUnit,
  KvValue,
} from "../../../src/state/kv/types.ts";
import type { Snapshot, SnapshotSink } from "../../../src/state/port.ts";
import { encodeEnvelope } from "../envelopes.ts";
import { settled, snapshotOf } from "../machine_calls.ts";

const TERM = 2;

/** How an entry is written. */
export interface EntryOptions {
  /** @default {the present one} */
  readonly clockMs?: number;
  readonly maxBytes?: number;
  readonly identity?: Partial<WriteIdentity>;
}

/** A machine, and the log that it applies. */
export class Caches {
  /** What the machine stores now. */
  store: KvStore;
  readonly machine: CacheMachine;
  /** What it is about to install. */
  received: Snapshot | null = null;
  #index = 0;
  #clockMs = 1_000;
  /** What the machine told of, as lines. */
  readonly events: string[] = [];

  constructor(parts: Partial<CacheMachineParts> = {}) {
    const { store = new MemoryKvStore(), stores = memoryStores() } = parts;
    this.store = store;
    this.machine = new CacheMachine({
      space: MEMORY_SPACE,
      ...parts,
      store,
      stores: {
        replacement: () => stores.replacement(),
        adopt: (replacement) => {
          stores.adopt(replacement);
          this.store = replacement;
        },
      },
    });
  }

  /** What the next entries are stamped with, ms. */
  get clockMs(): number {
    return this.#clockMs;
  }

  get index(): number {
    return this.#index;
  }

  /** Time goes on. */
  pass(ms: number): void {
    this.#clockMs += ms;
  }

  /** An entry with some units. */
  entry(units: readonly KvUnit[], options: EntryOptions = {}): Entry {
    const { clockMs = this.#clockMs, maxBytes, identity } = options;
    return this.entryOf(encodeEnvelope(
      {
        ...NO_IDENTITY,
        ...identity,
        kind: "command",
        clockMs,
        timeMs: 0,
        seed: [0, 0],
      },
      (writer) => writeKvCommand(writer, units, maxBytes),
    ));
  }

  /** An entry that only moves the clock, or opens a session. */
  plain(kind: "clock" | "openSession"): Entry {
    return this.entryOf(encodeEnvelope({
      ...NO_IDENTITY,
      kind,
      clockMs: this.#clockMs,
      timeMs: 0,
      seed: [0, 0],
    }));
  }

  entryOf(payload: Uint8Array, kind: EntryKind = EntryKind.command): Entry {
    return { index: ++this.#index, term: TERM, kind, payload };
  }

  /** Applies entries as one batch. */
  apply(entries: readonly Entry[]): Promise<Answer[]> {
    return new Promise((resolve, reject) =>
      this.machine.apply(entries, true, (error, answers, events) => {
        if (error !== null) return reject(error);
        for (const event of events) {
          const { cache, key, version } = changeIn(event);
          this.events.push(
            [event.index, event.seq, event.kind, cache, key, version].join(" "),
          );
        }
        resolve(answers.map((bytes) => decodeAnswer(bytes.slice())));
      })
    );
  }

  /** Applies units in one entry. */
  async pack(
    units: readonly KvUnit[],
    options?: EntryOptions,
  ): Promise<KvAnswer[]> {
    const [answer] = await this.apply([this.entry(units, options)]);
    return answersIn(answer!);
  }

  /** Applies one unit in an entry of its own. */
  async unit(
    operations: readonly KvOperation[],
    checks: readonly KvCheck[] = [],
    options?: EntryOptions,
  ): Promise<KvAnswer> {
    const [answer] = await this.pack([{ checks, operations }], options);
    return answer!;
  }

  /** The result of an operation that must be done. */
  async do(operation: KvOperation, options?: EntryOptions): Promise<KvResult> {
    const answer = await this.unit([operation], [], options);
    assert.equal(answer.kind, "done", Deno.inspect(answer));
    return (answer as Extract<KvAnswer, { kind: "done" }>).results[0]!;
  }

  /** Lets an entry pass that only moves the clock. */
  async tick(ms = 0): Promise<void> {
    this.pass(ms);
    await this.apply([this.plain("clock")]);
  }

  /** The text of an entry; null if there is none. */
  text(cache: string, key: string): string | null {
    const entry = this.machine.reads.get(cache, key, this.#clockMs);
    return entry === null ? null : textOf(entry.value);
  }

  counter(cache: string, key: string): bigint | null {
    return this.machine.reads.counter(cache, key, this.#clockMs);
  }

  stats(cache: string) {
    return this.machine.reads.stats().find(({ name }) => name === cache);
  }

  /** Another machine that has what this one has. */
  async copy(parts: Partial<CacheMachineParts> = {}): Promise<Caches> {
    const other = new Caches(parts);
    try {
      await other.install(this);
      return other;
    } catch (error) {
      await other[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Takes over what another one has. */
  async install(
    from: Caches,
    taken: Promise<Snapshot> = snapshotOf(from.machine),
  ): Promise<void> {
    const snapshot = await taken;
    const sink = await new Promise<SnapshotSink>((resolve, reject) =>
      this.machine.receive(
        snapshot.last,
        (error, sink) => error === null ? resolve(sink!) : reject(error),
      )
    );
    while (sink.offset < snapshot.size) {
      const chunk = await new Promise<Uint8Array>((resolve) =>
        snapshot.read(sink.offset, 10_007, (_, chunk) => resolve(chunk))
      );
      await settled((done) => sink.write(chunk, done));
    }
    await settled((done) => sink.finish(snapshot, done));
    this.received = snapshot;
    await settled((done) => this.machine.install(snapshot.last, done));
    snapshot.release();
    this.#index = snapshot.last.index;
    this.#clockMs = from.#clockMs;
  }

  /** Everything that is stored, in a form that can be compared; the same as the model's. */
  dump(): unknown {
    const byNumber = new Map<number, unknown[][]>();
    const records = this.store.scan();
    for (let next = records.next(); !next.done; next = records.next()) {
      const record = next.value;
      const { cache, key } = record;
      const kept = byNumber.get(cache) ?? [];
      byNumber.set(cache, kept);
      if (record.kind === "entry") {
        const { kind, bytes, version, deadlineMs } = record.entry;
        kept.push([key, kind, bytes.toHex(), version, deadlineMs]);
      } else kept.push([key, record.counter.value, record.counter.deadlineMs]);
    }
    const sorted = (number: number): unknown[][] =>
      (byNumber.get(number) ?? []).sort(([a], [b]) => a! < b! ? -1 : 1);
    return [...this.store.caches()].sort((a, b) => a.name < b.name ? -1 : 1)
      .map(({ id, counterId, name, settings, expired, evicted, bytes }) => ({
        name,
        settings,
        expired,
        evicted,
        bytes,
        entries: sorted(id),
        counters: sorted(counterId),
      }));
  }

  /** Stops the machine. */
  close(): Promise<void> {
    return new Promise((resolve) => this.machine.close(resolve));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

/** What units were answered. */
export function answersIn(answer: Answer): KvAnswer[] {
  assert.equal(answer.refusal, null, answer.refusal?.message);
  return readKvAnswers(answer.body);
}

export function text(value: string): KvValue {
  return { kind: "text", bytes: new TextEncoder().encode(value) };
}

export function textOf({ bytes }: KvValue): string {
  return new TextDecoder().decode(bytes);
}

/** A put of a text into the cache `c`. */
export function put(
  key: string,
  value = "v",
  options: Partial<Extract<KvOperation, { kind: "put" }>> = {},
): KvOperation {
  return { kind: "put", cache: "c", key, value: text(value), ...options };
}

export function add(key: string, delta: bigint): KvOperation {
  return { kind: "add", cache: "c", key, delta };
}
