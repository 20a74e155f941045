import type { LogError, LogStore } from "../log/port.ts";
import type { Message } from "../raft/messages.ts";
import type { LogIndex } from "../raft/types.ts";
import { assert } from "../util/assert.ts";
import type { Durability } from "./ports.ts";

/** What to do once writes are durable. */
export interface LogDurabilityPorts {
  /** The promises in `message` are durable: it may leave. */
  release(message: Message): void;
  /** Everything up to the write with this id is durable. */
  durable(persistId: number): void;
  failed(error: LogError): void;
}

/**
 * Knows which of the writes handed to the log are durable, holds back the
 * messages that promise them, and syncs the log as the mode demands.
 */
export class LogDurability {
  readonly #log: LogStore;
  readonly #mode: Durability;
  readonly #ports: LogDurabilityPorts;
  /** Syncs under way: what is durable once each of them is done. */
  readonly #syncs: { readonly persistId: number; lastIndex: LogIndex }[] = [];
  readonly #held: { readonly persistId: number; readonly message: Message }[] =
    [];
  /** What waits for the last of the writes so far, which is the one with this id. */
  #then: { readonly persistId: number; readonly run: () => void } | null = null;
  #persistId = 0;
  #durableId = 0;
  #index: LogIndex;
  #stopped = false;
  #lastTickPersistId = 0;
  #idleSyncedId = 0;

  /** What the log holds now is durable. */
  constructor(log: LogStore, mode: Durability, ports: LogDurabilityPorts) {
    this.#log = log;
    this.#mode = mode;
    this.#ports = ports;
    this.#index = log.last.index;
  }

  /** Entries up to here are durable. */
  get index(): LogIndex {
    return this.#index;
  }

  /** Whether what is acknowledged stays, whatever happens to the power. Then what a leader knows of it is a witness. */
  get promises(): boolean {
    return this.#mode.mode === "immediate";
  }

  /** The write with this id was handed to the log. */
  written(persistId: number): void {
    this.#persistId = persistId;
  }

  /** Releases `message` once everything written so far is durable. */
  hold(message: Message): void {
    if (this.#durableId >= this.#persistId) this.#ports.release(message);
    else this.#held.push({ persistId: this.#persistId, message });
  }

  /** Runs `run` once everything written so far is durable; one at a time. */
  whenDurable(run: () => void): void {
    if (this.#durableId >= this.#persistId) return run();
    assert(this.#then === null, "something waits for the log already");
    this.#then = { persistId: this.#persistId, run };
  }

  /** The log was cut: entries after `index` are durable no more, whatever is under way. */
  truncated(index: LogIndex): void {
    this.#index = Math.min(this.#index, index);
    for (const sync of this.#syncs) {
      sync.lastIndex = Math.min(sync.lastIndex, index);
    }
  }

  /** A snapshot up to `index` took the place of the log. */
  reset(index: LogIndex): void {
    this.#index = index;
    for (const sync of this.#syncs) sync.lastIndex = index;
  }

  /** Syncs what was written. In the modes that do not wait, reports it as durable at once. */
  flush(hardStateChanged: boolean): void {
    const { mode } = this.#mode;
    // Term and vote are promises: in no mode may a reply leave before they are durable.
    if (mode === "immediate" || hardStateChanged) return this.#sync();
    if (mode === "immediate_async") this.#syncAside();
    if (this.#syncs.length === 0) this.#pretend();
  }

  /** One tick of the group's clock, `now` in ticks. */
  tick(now: number): void {
    if (this.#mode.mode === "interval" && now % this.#mode.ticks === 0) {
      this.#syncAside();
    }
    this.#syncIdle();
  }

  /** Reports nothing from now on. */
  stop(): void {
    this.#stopped = true;
  }

  /** When the log falls idle, its durable mark is made durable, too. Then even damage to the log's very end is told apart from a torn write. */
  #syncIdle(): void {
    if (this.#persistId === this.#idleSyncedId || this.#syncs.length > 0) {
      return;
    }
    if (this.#persistId === this.#lastTickPersistId) {
      this.#idleSyncedId = this.#persistId;
      this.#syncAside();
    }
    this.#lastTickPersistId = this.#persistId;
  }

  #sync(): void {
    const sync = {
      persistId: this.#persistId,
      lastIndex: this.#log.last.index,
    };
    this.#syncs.push(sync);
    this.#log.sync((error) => {
      if (!this.#check(error)) return;
      this.#syncs.splice(0, this.#syncs.indexOf(sync) + 1);
      this.#durable(sync.persistId, sync.lastIndex);
      const waited = this.#mode.mode === "immediate";
      if (!waited && this.#syncs.length === 0) this.#pretend();
    });
  }

  /** A sync that no caller waits for. */
  #syncAside(): void {
    this.#log.sync((error) => void this.#check(error));
  }

  #pretend(): void {
    this.#durable(this.#persistId, this.#log.last.index);
  }

  #durable(persistId: number, lastIndex: LogIndex): void {
    if (persistId <= this.#durableId) return;
    this.#durableId = persistId;
    this.#index = Math.max(this.#index, lastIndex);
    while (this.#held.length > 0 && this.#held[0]!.persistId <= persistId) {
      this.#ports.release(this.#held.shift()!.message);
    }
    this.#ports.durable(persistId);
    const then = this.#then;
    if (then === null || then.persistId > persistId) return;
    this.#then = null;
    then.run();
  }

  #check(error: LogError | null): boolean {
    if (this.#stopped) return false;
    if (error !== null) this.#ports.failed(error);
    return error === null;
  }
}
