import { decodeConfiguration } from "../../raft/configuration.ts";
import {
  type Configuration,
  type Entry,
  EntryKind,
  type LogId,
  type LogIndex,
  NO_CONFIGURATION,
  ZERO_LOG_ID,
} from "../../raft/types.ts";
import { MalformedBytesError, NO_BYTES } from "../../util/bytes.ts";
import { encodeAnswer, encodeRefusal } from "../answer.ts";
import {
  ENVELOPE_START,
  ExactlyOnce,
  type ExactlyOnceOptions,
} from "../exactly_once.ts";
import type { StateEvents, StateHash } from "../port.ts";
import { StateHashes } from "../state_hashes.ts";
import { askedIn, scanKvPack, type ScannedPack } from "./command.ts";
import { CacheContents } from "./contents.ts";
import { EventLog } from "./events.ts";
import { expire } from "./expiry.ts";
import type { KvPosition, KvStore } from "./store.ts";
import { Units } from "./units.ts";

/** Entries between two hashes. */
const HASH_EVERY = 64;

/** The caches' state on a store: entries in, answers out, the same on every member. */
export class KvState {
  readonly store: KvStore;
  readonly contents: CacheContents;
  readonly #events = new EventLog();
  readonly #units: Units;
  readonly #commands: ExactlyOnce;
  readonly #hashes = new StateHashes();
  #applied: LogId;
  #config: Configuration;
  #first: LogIndex = 0;
  /** Whether what was due was removed in the present entry. */
  #swept = false;

  /**
   * Continues with what is stored.
   * @throws {UnknownLevelError} if it needs a newer release.
   */
  constructor(store: KvStore, options?: ExactlyOnceOptions) {
    this.store = store;
    this.contents = new CacheContents(store, this.#events);
    this.#units = new Units(this.contents);
    const position = store.position ?? ENVELOPE_START;
    this.#applied = store.position?.applied ?? ZERO_LOG_ID;
    this.#config = store.position?.config ?? NO_CONFIGURATION;
    this.#commands = new ExactlyOnce(
      store.sessions,
      position,
      ({ body }, index) => this.#perform(body, index),
      // A retry may come by a member with another limit.
      { ...options, asked: askedIn },
    );
  }

  /** The last entry that is in it. */
  get applied(): LogId {
    return this.#applied;
  }

  /** The configuration as of that entry. */
  get config(): Configuration {
    return this.#config;
  }

  /** The cluster clock as of that entry, ms. */
  get clockMs(): number {
    return this.#commands.clockMs;
  }

  /** The hash of the contents at some of the last indexes. */
  get hashes(): readonly StateHash[] {
    return this.#hashes.latest;
  }

  /** Opens a batch. */
  begin(first: LogIndex): void {
    this.#first = first;
    this.store.begin();
  }

  /** Applies an entry; its encoded answer, empty for what is no command. */
  apply({ index, term, kind, payload }: Entry): Uint8Array {
    this.#events.enter(index);
    this.#swept = false;
    if (kind === EntryKind.config) this.#config = decodeConfiguration(payload);
    const answer = kind === EntryKind.command
      ? this.#commands.apply(index, payload)
      : NO_BYTES;
    this.#sweep();
    this.#applied = { index, term };
    if (index % HASH_EVERY === 0) {
      this.#hashes.add([{ index, hash: this.contents.hash }]);
    }
    return answer;
  }

  /** Ends the batch; what it did. */
  commit(): StateEvents {
    this.#commands.save(this.#first);
    this.contents.saveCaches();
    this.store.commit(this.position);
    return this.#events.take();
  }

  /** What is remembered of writes in a canonical form; see `Sessions.dump`. */
  dumpSessions(): string {
    return this.#commands.dump();
  }

  /** Where it stands, with what the present batch did so far. */
  get position(): KvPosition {
    const { clockMs, timeMs, horizon, facts } = this.#commands;
    return {
      applied: this.#applied,
      config: this.#config,
      clockMs,
      timeMs,
      horizon,
      facts,
      hash: this.contents.hash,
      nextCache: this.contents.nextCache,
    };
  }

  #perform(body: Uint8Array, index: LogIndex): Uint8Array {
    let pack: ScannedPack;
    try {
      pack = scanKvPack(body);
    } catch (error) {
      if (!(error instanceof MalformedBytesError)) throw error;
      return encodeRefusal(index, "invalid", "The command is malformed");
    }
    // First, so that what is written finds the room.
    this.#sweep(pack.operations);
    const { clockMs } = this;
    return encodeAnswer(
      index,
      (writer) => this.#units.apply(pack, index, clockMs, writer),
    );
  }

  /** Each entry removes what is due, once. */
  #sweep(operations = 0): void {
    if (this.#swept) return;
    this.#swept = true;
    expire(this.contents, this.clockMs, operations);
  }
}
