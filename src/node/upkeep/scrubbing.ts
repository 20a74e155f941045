import { HiqliteError } from "../../errors.ts";
import type { LogStore } from "../../log/port.ts";
import { StateDamagedError } from "../../state/port.ts";
import type { Clock } from "../../util/clock.ts";
import type { Logger } from "../../util/logger.ts";
import { type Random, randomBetween } from "../../util/random.ts";
import type { SqlMachine } from "../../state/sql/port.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
/** The whole log is read in about this time. */
const LOG_PASS_MS = HOUR_MS;
/** Read at once, unless a single frame is larger; about a millisecond of work. */
const SLICE_BYTES = 256 * 1024;
const SLICE_MS_MIN = 250;
const SLICE_MS_MAX = MINUTE_MS;
/** Between two looks at the whole database; the first comes sooner, and not on all members at once. */
const DATABASE_MS = 24 * HOUR_MS;
const FIRST_DATABASE_MS = HOUR_MS;
/** A query that met damage causes a look at most this often. */
const SUSPICION_MS = MINUTE_MS;

/** What scrubbing needs from its node. */
export interface ScrubbingPorts {
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** Null while there is nothing to look at. */
  storage(): { readonly log: LogStore; readonly machine: SqlMachine } | null;
  /** The log or the database is damaged or cannot be read: the member must end. */
  failed(error: Error): void;
}

/**
 * Reads what is stored again and again, slowly, so that damage is found while the
 * other members are well, and not when they are needed.
 */
export class Scrubbing {
  readonly #ports: ScrubbingPorts;
  #nextSliceMs: number;
  #nextDatabaseMs: number;
  #nextSuspicionMs: number;
  #slicing = false;
  #checking = false;

  /** Looks at nothing until {@linkcode tick} is called. */
  constructor(ports: ScrubbingPorts) {
    this.#ports = ports;
    const now = ports.clock.monotonic();
    this.#nextSliceMs = now + SLICE_MS_MAX;
    this.#nextDatabaseMs = now +
      randomBetween(ports.random, FIRST_DATABASE_MS / 2, FIRST_DATABASE_MS);
    this.#nextSuspicionMs = now;
  }

  /** Goes on a little if it is time to; called a few times a second. */
  tick(): void {
    const storage = this.#ports.storage();
    if (storage === null) return;
    const now = this.#ports.clock.monotonic();
    if (now >= this.#nextSliceMs && !this.#slicing) {
      this.#slice(storage.log, now);
    }
    if (now >= this.#nextDatabaseMs && !this.#checking) {
      this.#nextDatabaseMs = now + DATABASE_MS;
      void this.#check(storage.machine, false);
    }
  }

  /** What to tell the asker of a query that failed; if it met damage, the database is looked at. */
  explain(error: unknown): unknown {
    if (!(error instanceof StateDamagedError)) return error;
    const storage = this.#ports.storage();
    const now = this.#ports.clock.monotonic();
    if (storage !== null && !this.#checking && now >= this.#nextSuspicionMs) {
      this.#nextSuspicionMs = now + SUSPICION_MS;
      this.#ports.logger.warn(
        `a query met damage, looking at the whole database: ${error.message}`,
      );
      void this.#check(storage.machine, true);
    }
    return new HiqliteError(
      "storage",
      `${error.message}: ask another member`,
      { cause: error },
    );
  }

  #slice(log: LogStore, now: number): void {
    const slices = Math.max(1, log.bytes / SLICE_BYTES);
    this.#nextSliceMs = now +
      Math.min(SLICE_MS_MAX, Math.max(SLICE_MS_MIN, LOG_PASS_MS / slices));
    this.#slicing = true;
    log.scrub(SLICE_BYTES, (error) => {
      this.#slicing = false;
      if (error !== null && this.#isCurrent(log)) this.#ports.failed(error);
    });
  }

  #isCurrent(log: LogStore): boolean {
    return this.#ports.storage()?.log === log;
  }

  async #check(machine: SqlMachine, hurry: boolean): Promise<void> {
    this.#checking = true;
    try {
      await machine.check(hurry);
    } catch (error) {
      if (this.#ports.storage()?.machine !== machine) return;
      if (error instanceof StateDamagedError) return this.#ports.failed(error);
      this.#ports.logger.warn(
        `the database could not be looked at: ${(error as Error).message}`,
      );
    } finally {
      this.#checking = false;
    }
  }
}
