import type { LogStore } from "../log/port.ts";
import type { RaftCore } from "../raft/core.ts";
import type { LogIndex } from "../raft/types.ts";
import type { StateMachine } from "../state/port.ts";
import type { GroupOptions } from "./ports.ts";
import { Retention } from "./retention.ts";
import { isFull } from "./disk_room.ts";

/** What checkpoints need and report. */
export interface CheckpointPorts {
  readonly core: RaftCore;
  readonly log: LogStore;
  readonly machine: StateMachine;
  /** Whether the machine holds a transaction open, which keeps checkpoints waiting. */
  busy(): boolean;
  /** Where the oldest snapshot on its way ends, `null` if there is none. */
  oldestSnapshot(): LogIndex | null;
  /** Entries after this one are needed elsewhere still, `null` if none are. */
  neededAfter(): LogIndex | null;
  /** The log begins after `index` now. */
  purged(index: LogIndex): void;
  /** There was no room; the next checkpoint may find some. */
  postponed(error: Error): void;
  failed(error: Error): void;
}

/** Makes the state durable from time to time, and purges the log entries that are not needed after that. */
export class Checkpoints {
  readonly #ports: CheckpointPorts;
  readonly #options: GroupOptions;
  readonly #retention: Retention;
  #underWay = false;
  #stopped = false;
  /** One is wanted as soon as the machine can. */
  #due = false;
  /** The applied index when the last checkpoint began. */
  #index: LogIndex;
  #bytesSince = 0;
  #now = 0;

  /** The first checkpoint is due after as many entries or bytes as any other. */
  constructor(ports: CheckpointPorts, options: GroupOptions) {
    this.#ports = ports;
    this.#options = options;
    this.#retention = new Retention(ports.core, options.retainEntries);
    this.#index = ports.machine.applied.index;
  }

  /** One tick of the group's clock, `now` in ticks. */
  tick(now: number): void {
    this.#now = now;
    this.#retention.tick(now);
  }

  /** Entries up to `index` were applied, with `bytes` of payload since the last call. */
  applied(index: LogIndex, bytes: number): void {
    const { checkpointEntries, checkpointBytes } = this.#options;
    this.#bytesSince += bytes;
    if (
      index - this.#index >= checkpointEntries ||
      this.#bytesSince >= checkpointBytes
    ) this.begin();
  }

  /** Whether one waits for the machine's transaction to end. */
  get due(): boolean {
    return this.#due;
  }

  /** Begins a checkpoint, unless one is under way. */
  begin(): void {
    if (this.#underWay || this.#stopped) return;
    this.#due = this.#ports.busy();
    if (this.#due) return;
    this.#underWay = true;
    const { machine } = this.#ports;
    this.#index = machine.applied.index;
    this.#bytesSince = 0;
    machine.checkpoint((error, durable) => {
      this.#underWay = false;
      if (!this.#stopped) this.#finish(error, durable);
    });
  }

  /** The machine's transaction ended. */
  released(): void {
    if (this.#due) this.begin();
  }

  /** Begins no further checkpoint, and does not purge after the one under way. */
  stop(): void {
    this.#stopped = true;
  }

  #finish(error: Error | null, durable: LogIndex): void {
    if (error !== null && isFull(error)) return this.#ports.postponed(error);
    if (error !== null) return this.#ports.failed(error);
    try {
      this.#purge(durable);
    } catch (error) {
      this.#ports.failed(error as Error);
    }
  }

  /** Whoever needs entries elsewhere may not fill the disk with them. */
  #neededAfter(): LogIndex {
    const { neededBytesMax = 1024 ** 3 } = this.#options;
    const { log, neededAfter } = this.#ports;
    return log.bytes > neededBytesMax ? Infinity : neededAfter() ?? Infinity;
  }

  /** Up to where entries take the others' room, as if all were equally large. */
  #crowdedOut(): LogIndex {
    const { base, last, bytes } = this.#ports.log;
    const { retainBytes = Infinity } = this.#options;
    if (bytes <= retainBytes) return 0;
    const count = last.index - base.index;
    return last.index - Math.floor(count * retainBytes / bytes);
  }

  #purge(durable: LogIndex): void {
    const { log, machine } = this.#ports;
    const state = Math.min(durable, machine.applied.index);
    const oldest = this.#ports.oldestSnapshot();
    const usual = this.#retention.limit(this.#now, state, oldest);
    const kept = Math.min(usual, this.#neededAfter());
    const to = Math.max(kept, Math.min(state, this.#crowdedOut()));
    if (to <= log.base.index) return;
    log.purge({ index: to, term: log.termAt(to)! });
    this.#ports.purged(to);
  }
}
