import { HiqliteError, OutcomeUnknownError } from "../../errors.ts";
import type { LogIndex } from "../../raft/types.ts";
import type {
  KvAnswer,
  KvCheck,
  KvOperation,
  KvUnit,
} from "../../state/kv/types.ts";
import type { Clock } from "../../util/clock.ts";

/** Units of one entry. */
const PACK_UNITS_MAX = 512;
/** Bytes of one entry, unless one unit alone has more. */
const PACK_BYTES_MAX = 256 * 1024;
/** What a check or an operation takes beside its names and its value, about. */
const PART_BYTES = 32;
/** Units and bytes that may wait for their entry. */
const WAITING_UNITS_MAX = 65_536;
const WAITING_BYTES_MAX = 64 * 1024 * 1024;

/** Who waits for a unit. One of its two methods is called, once. */
export interface UnitCaller {
  /** The span that waits for it. */
  readonly traceparent?: string | undefined;
  /** The entry at `index` was applied, and answers the unit so. */
  done(index: LogIndex, answer: KvAnswer): void;
  failed(error: Error): void;
}

/** Units on their way in one entry. */
export interface Pack {
  readonly units: readonly KvUnit[];
  /** The life of the caches that it is for. */
  readonly epoch: number;
  /** How long somebody waits for it, ms. */
  readonly timeoutMs: number;
  /** The first span that waits for one of the units: the entry is in one trace. */
  readonly traceparent?: string | undefined;
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

/** A unit and its caller, who is null once time is over. */
interface Waiting {
  readonly unit: KvUnit;
  readonly bytes: number;
  readonly epoch: number;
  /** By the packer's clock, ms. */
  readonly deadline: number;
  caller: UnitCaller | null;
}

/** Nothing is on its way. */
const NONE: readonly Waiting[] = [];

/**
 * Makes one entry of all units that arrive in one turn, or while the entry before is on
 * its way, since nearly all that a write costs it costs for each entry. One entry at a time,
 * so that units take effect in the order in which they came.
 */
export class Packer {
  readonly #ports: PackerPorts;
  #queue: Waiting[] = [];
  /** In the entry that is on its way. */
  #sent: readonly Waiting[] = NONE;
  /** Callers that have no answer yet. */
  #outstanding = 0;
  #bytes = 0;
  #begun = false;
  /** When the turn began in which units are gathered. */
  #turnMs = 0;

  /** Sends through `ports`. */
  constructor(ports: PackerPorts) {
    this.#ports = ports;
  }

  /** Units that wait for their answer or their entry. */
  get outstanding(): number {
    return this.#outstanding;
  }

  /** Now, by the packer's clock, ms; as long as units are gathered, when that began: asking the clock costs as much as packing. */
  get nowMs(): number {
    if (!this.#begun) this.#turnMs = this.#ports.clock.monotonic();
    return this.#turnMs;
  }

  /**
   * Has a unit applied with others, in the life `epoch` of the caches. It fails with what
   * proposing throws; `overloaded` if too many wait, `no_leader` if none took it until `deadline`.
   */
  write(
    unit: KvUnit,
    epoch: number,
    deadline: number,
    caller: UnitCaller,
  ): void {
    if (
      this.#queue.length >= WAITING_UNITS_MAX ||
      this.#bytes > WAITING_BYTES_MAX
    ) return caller.failed(tooMany());
    const bytes = bytesOf(unit);
    this.#queue.push({ unit, bytes, epoch, deadline, caller });
    this.#bytes += bytes;
    this.#outstanding++;
    this.#begin();
  }

  /** Ends waits whose time is over. Call it a few times a second. */
  tick(): void {
    const now = this.#ports.clock.monotonic();
    const over = (waiting: Waiting): boolean => waiting.deadline <= now;
    for (const waiting of this.#sent) {
      if (over(waiting)) this.#takeCaller(waiting)?.failed(unknownFate());
    }
    const late = this.#queue.filter(over);
    if (late.length === 0) return;
    this.#queue = this.#queue.filter((waiting) => !over(waiting));
    for (const waiting of late) {
      this.#bytes -= waiting.bytes;
      this.#takeCaller(waiting)?.failed(neverSent());
    }
  }

  #begin(): void {
    const busy = this.#begun || this.#sent.length > 0;
    if (busy || this.#queue.length === 0) return;
    this.#begun = true;
    this.#ports.defer(() => {
      this.#begun = false;
      void this.#send();
    });
  }

  async #send(): Promise<void> {
    const pack = this.#take();
    if (pack.length === 0) return;
    this.#sent = pack;
    try {
      const { index, answers } = await this.#ports.propose({
        units: pack.map(({ unit }) => unit),
        epoch: pack[0]!.epoch,
        timeoutMs: this.#timeLeft(pack),
        traceparent: traceparentOf(pack),
      });
      for (let at = 0; at < pack.length; at++) {
        this.#takeCaller(pack[at]!)?.done(index, answers[at]!);
      }
    } catch (error) {
      for (const each of pack) this.#takeCaller(each)?.failed(error as Error);
    }
    this.#sent = NONE;
    this.#begin();
  }

  /** Whoever is to be told of a unit now, and hears of it no more. */
  #takeCaller(waiting: Waiting): UnitCaller | null {
    const { caller } = waiting;
    if (caller !== null) this.#outstanding--;
    waiting.caller = null;
    return caller;
  }

  /** The next units of one epoch, as many as an entry takes. */
  #take(): readonly Waiting[] {
    const queue = this.#queue;
    let bytes = 0;
    let count = 0;
    for (const waiting of queue) {
      const sum = bytes + waiting.bytes;
      const full = count === PACK_UNITS_MAX || sum > PACK_BYTES_MAX;
      if (count > 0 && (full || waiting.epoch !== queue[0]!.epoch)) break;
      bytes = sum;
      count++;
    }
    this.#queue = queue.slice(count);
    this.#bytes -= bytes;
    return count === queue.length ? queue : queue.slice(0, count);
  }

  #timeLeft(pack: readonly Waiting[]): number {
    let latest = 0;
    for (const { deadline } of pack) latest = Math.max(latest, deadline);
    return Math.max(1, latest - this.#ports.clock.monotonic());
  }
}

function traceparentOf(pack: readonly Waiting[]): string | undefined {
  for (const { caller } of pack) {
    if (caller?.traceparent !== undefined) return caller.traceparent;
  }
  return undefined;
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

/** Its time is over, and its entry is on its way. */
function unknownFate(): HiqliteError {
  return new OutcomeUnknownError(
    "The leader did not answer in time, and nobody could say whether the write was applied: read before you repeat it",
  );
}

/** Its time is over, and it waits for its entry. */
function neverSent(): HiqliteError {
  return new HiqliteError(
    "no_leader",
    "The write was not applied: those before it found no leader in time",
  );
}
