import {
  decodeConfiguration,
  encodeConfiguration,
} from "../../src/raft/configuration.ts";
import {
  type Configuration,
  type Entry,
  EntryKind,
  type LogId,
  type LogIndex,
  NO_CONFIGURATION,
  ZERO_LOG_ID,
} from "../../src/raft/types.ts";
import { encodeAnswer, encodeRefusal } from "../../src/state/answer.ts";
import { readFacts, writeFacts } from "../../src/state/cluster_facts.ts";
import {
  ENVELOPE_START,
  type EnvelopePosition,
  ExactlyOnce,
  type ExactlyOnceOptions,
} from "../../src/state/exactly_once.ts";
import type { StateEvent, StateHash } from "../../src/state/port.ts";
import { ByteReader, ByteWriter, NO_BYTES } from "../../src/util/bytes.ts";
import { MemorySessionStore } from "../../src/state/memory_sessions.ts";

/** Entries between two hashes. */
const HASH_EVERY = 16;
/** Hashes that are kept. */
const HASHES_KEPT = 64;

/** The bytes of an add: which counter (u32) and how much (u53). What follows them is the caller's. */
export const ADD_BYTES = 12;

/** Appends an add to one of the counters. */
export function writeAdd(writer: ByteWriter, n: number, key = 0): void {
  writer.u32(key).u53(n);
}

/** The sum in the body of an answer. */
export function readSum(body: Uint8Array): number {
  return new ByteReader(body).u53();
}

/** What a batch did. */
export interface Effects {
  readonly answers: Uint8Array[];
  readonly events: StateEvent[];
}

/** Counters by number, each 0 at first, applied once by the production rules. */
export class CounterState {
  readonly #sums = new Map<number, number>();
  readonly #store: MemorySessionStore;
  readonly #commands: ExactlyOnce;
  #applied: LogId = ZERO_LOG_ID;
  #config: Configuration = NO_CONFIGURATION;
  #events: StateEvent[] = [];
  /** Of every sum so far, in order. */
  #hash = 0;
  #hashes: StateHash[] = [];

  /** The state that {@linkcode CounterState.encode} wrote, or an empty one. */
  constructor(bytes: Uint8Array = NO_BYTES, options?: ExactlyOnceOptions) {
    let position = ENVELOPE_START;
    if (bytes.length === 0) {
      this.#store = new MemorySessionStore();
    } else {
      const reader = new ByteReader(bytes);
      position = this.#read(reader);
      this.#store = MemorySessionStore.read(reader);
      reader.end();
    }
    this.#commands = new ExactlyOnce(
      this.#store,
      position,
      ({ body }, index) => this.#add(body, index),
      options,
    );
  }

  get applied(): LogId {
    return this.#applied;
  }

  get config(): Configuration {
    return this.#config;
  }

  get clockMs(): number {
    return this.#commands.clockMs;
  }

  get hashes(): readonly StateHash[] {
    return this.#hashes;
  }

  /** What a counter is at. */
  sum(key = 0): number {
    return this.#sums.get(key) ?? 0;
  }

  /** Applies consecutive entries. */
  apply(entries: readonly Entry[]): Effects {
    this.#events = [];
    const answers = entries.map((entry) => this.#apply(entry));
    if (entries.length > 0) this.#commands.save(entries[0]!.index);
    return { answers, events: this.#events };
  }

  /** Everything, for a snapshot. */
  encode(): Uint8Array {
    const writer = new ByteWriter(1024);
    const { clockMs, timeMs, horizon, facts } = this.#commands;
    writer.u53(this.#applied.term).u53(this.#applied.index);
    writer.bytes(encodeConfiguration(this.#config));
    writer.u53(clockMs).u53(timeMs).u53(horizon).u32(this.#hash);
    writeFacts(writer, facts);
    this.#writeSums(writer);
    this.#store.write(writer);
    return writer.finish();
  }

  /** Everything in a canonical form: equal for equal states. */
  dump(): string {
    const writer = new ByteWriter(1024);
    this.#writeSums(writer);
    return `${writer.view().toHex()}\n${this.#commands.dump()}`;
  }

  #apply({ index, term, kind, payload }: Entry): Uint8Array {
    this.#applied = { index, term };
    if (kind === EntryKind.config) this.#config = decodeConfiguration(payload);
    const answer = kind === EntryKind.command
      ? this.#commands.apply(index, payload)
      : NO_BYTES;
    if (index % HASH_EVERY === 0) {
      this.#hashes.push({ index, hash: this.#hash });
      this.#hashes = this.#hashes.slice(-HASHES_KEPT);
    }
    return answer;
  }

  #add(body: Uint8Array, index: LogIndex): Uint8Array {
    if (body.length < ADD_BYTES) {
      return encodeRefusal(index, "invalid", "The add is malformed");
    }
    const reader = new ByteReader(body);
    const key = reader.u32();
    const sum = this.sum(key) + reader.u53();
    this.#sums.set(key, sum);
    const answer = encodeAnswer(index, (writer) => writer.u53(sum));
    for (const byte of answer) {
      this.#hash = Math.imul(this.#hash ^ byte, 0x01000193) >>> 0;
    }
    this.#events.push({ index, seq: 0, kind: "added", bytes: answer });
    return answer;
  }

  #writeSums(writer: ByteWriter): void {
    const keys = [...this.#sums.keys()].sort((a, b) => a - b);
    writer.u32(keys.length);
    for (const key of keys) writer.u32(key).u53(this.sum(key));
  }

  #read(reader: ByteReader): EnvelopePosition {
    this.#applied = { term: reader.u53(), index: reader.u53() };
    this.#config = decodeConfiguration(reader.bytes());
    const clockMs = reader.u53();
    const timeMs = reader.u53();
    const horizon = reader.u53();
    this.#hash = reader.u32();
    const facts = readFacts(reader);
    for (let left = reader.u32(); left > 0; left--) {
      this.#sums.set(reader.u32(), reader.u53());
    }
    return { clockMs, timeMs, horizon, facts };
  }
}
