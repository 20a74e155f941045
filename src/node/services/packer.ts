import { HiqliteError, OutcomeUnknownError } from "../../errors.ts";
import type { LogIndex } from "../../raft/types.ts";
import type {
  KvAnswer,
  KvCheck,
  KvOperation,
  KvUnit,
} from "../../state/kv/types.ts";
import type { Clock } from "../../util/clock.ts";
import {
  type DeadlineWaiter,
  DeadlineWaiters,
} from "../../util/deadline_waiters.ts";

/** Units of one entry. */
const PACK_UNITS_MAX = 512;
/** Bytes of one entry, unless one unit alone has more. */
const PACK_BYTES_MAX = 256 * 1024;
/** What a check or an operation takes beside its names and its value, about. */
const PART_BYTES = 32;
/** Units and bytes that may wait for their entry. */
const WAITING_UNITS_MAX = 65_536;
const WAITING_BYTES_MAX = 64 * 1024 * 1024;

/** What a unit's caller waits for. */
export interface Packed {
  readonly index: LogIndex;
  readonly answer: KvAnswer;
}

/** Units on their way in one entry. */
export interface Pack {
  readonly units: readonly KvUnit[];
  /** The life of the caches that it is for. */
  readonly epoch: number;
  /** How long somebody waits for it, ms. */
  readonly timeoutMs: number;
}

/** What packing needs from its service. */
export interface PackerPorts {
  readonly clock: Clock;
  /** Runs `callback` in the next turn of the event loop, when whoever has something to write in this one has said so. */
  defer(callback: () => void): void;
  /** Brings a pack into the log; as many answers as units. */
  propose(
    pack: Pack,
  ): Promise<{ readonly index: LogIndex; readonly answers: KvAnswer[] }>;
}

/** A unit and its caller. */
interface Waiting extends DeadlineWaiter {
  readonly unit: KvUnit;
  readonly bytes: number;
  readonly epoch: number;
  done(packed: Packed): void;
  failed(error: Error): void;
}

/**
 * Makes one entry of all units that arrive in one turn, or while the entry before is on
 * its way, since nearly all that a write costs it costs for each entry. One entry at a time,
 * so that units take effect in the order in which they came.
 */
export class Packer {
  readonly #ports: PackerPorts;
  readonly #deadlines = new DeadlineWaiters();
  #queue: Waiting[] = [];
  #bytes = 0;
  #begun = false;
  #sending = false;

  /** Sends through `ports`. */
  constructor(ports: PackerPorts) {
    this.#ports = ports;
  }

  /** Units that wait for their answer or their entry. */
  get outstanding(): number {
    return this.#deadlines.size;
  }

  /**
   * Has a unit applied with others, in the life `epoch` of the caches.
   * @throws {HiqliteError} what proposing throws; `overloaded` if too many wait, `no_leader` if none took it in time.
   */
  write(
    unit: KvUnit,
    epoch: number,
    deadline: number,
  ): Promise<Packed> {
    if (
      this.#queue.length >= WAITING_UNITS_MAX ||
      this.#bytes > WAITING_BYTES_MAX
    ) return Promise.reject(tooMany());
    return new Promise((resolve, reject) => {
      const waiting: Waiting = {
        unit,
        bytes: bytesOf(unit),
        epoch,
        deadline,
        done: (packed) => {
          this.#deadlines.delete(waiting);
          resolve(packed);
        },
        failed: (error) => {
          this.#deadlines.delete(waiting);
          reject(error);
        },
        late: () => reject(this.#late(waiting)),
      };
      this.#queue.push(waiting);
      this.#bytes += waiting.bytes;
      this.#deadlines.add(waiting);
      this.#begin();
    });
  }

  /** Ends waits whose time is over. Call it a few times a second. */
  tick(): void {
    this.#deadlines.tick(this.#ports.clock.monotonic());
  }

  #begin(): void {
    if (this.#begun || this.#sending || this.#queue.length === 0) return;
    this.#begun = true;
    this.#ports.defer(() => {
      this.#begun = false;
      void this.#send();
    });
  }

  async #send(): Promise<void> {
    const pack = this.#take();
    if (pack.length === 0) return;
    this.#sending = true;
    try {
      const { index, answers } = await this.#ports.propose({
        units: pack.map(({ unit }) => unit),
        epoch: pack[0]!.epoch,
        timeoutMs: this.#timeLeft(pack),
      });
      for (const [at, { done }] of pack.entries()) {
        done({ index, answer: answers[at]! });
      }
    } catch (error) {
      for (const { failed } of pack) failed(error as Error);
    }
    this.#sending = false;
    this.#begin();
  }

  /** The next units of one epoch, as many as an entry takes. */
  #take(): Waiting[] {
    let bytes = 0;
    let count = 0;
    for (const waiting of this.#queue) {
      bytes += waiting.bytes;
      const full = count === PACK_UNITS_MAX || bytes > PACK_BYTES_MAX;
      if (count > 0 && (full || waiting.epoch !== this.#queue[0]!.epoch)) break;
      count++;
    }
    const pack = this.#queue.slice(0, count);
    this.#queue = this.#queue.slice(count);
    for (const { bytes } of pack) this.#bytes -= bytes;
    return pack;
  }

  #timeLeft(pack: readonly Waiting[]): number {
    let latest = 0;
    for (const { deadline } of pack) latest = Math.max(latest, deadline);
    return Math.max(1, latest - this.#ports.clock.monotonic());
  }

  /** Why a unit has no answer though its time is over. */
  #late(waiting: Waiting): HiqliteError {
    const at = this.#queue.indexOf(waiting);
    if (at < 0) {
      return new OutcomeUnknownError(
        "The leader did not answer in time, and nobody could say whether the write was applied: read before you repeat it",
      );
    }
    this.#queue.splice(at, 1);
    this.#bytes -= waiting.bytes;
    return new HiqliteError(
      "no_leader",
      "The write was not applied: those before it found no leader in time",
    );
  }
}

/** About what a unit takes in an entry. */
function bytesOf({ creates = [], checks, operations }: KvUnit): number {
  return bytesOfParts(creates) + bytesOfParts(checks) +
    bytesOfParts(operations);
}

function bytesOfParts(parts: readonly (KvCheck | KvOperation)[]): number {
  let bytes = 0;
  for (const part of parts) {
    bytes += PART_BYTES + part.cache.length;
    if ("key" in part) bytes += part.key.length;
    if ("value" in part && typeof part.value === "object") {
      bytes += part.value.bytes.length;
    }
  }
  return bytes;
}

function tooMany(): HiqliteError {
  return new HiqliteError(
    "overloaded",
    `The write was not applied: ${WAITING_UNITS_MAX} of this member, or ${WAITING_BYTES_MAX} bytes, wait for the leader. Try again later`,
  );
}
