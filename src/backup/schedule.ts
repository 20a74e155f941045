import { Cron } from "croner";

/** How many fields an expression has. */
const FIELDS = [6, 7];

/**
 * When something runs: an expression of six or seven fields as Hiqlite has
 * them (second, minute, hour, day of month, month, day of week, year). Days of
 * the week are 1 for Sunday to 7, or names; both kinds of days must match.
 * Pure: it has no timers, and knows no time but what it is given.
 */
export class Schedule {
  readonly #cron: Cron;

  /**
   * `zone`: a name such as `Europe/Berlin`, or empty for the machine's.
   * @throws {RangeError} if it is no expression, or one that never comes true after `nowMs`.
   */
  constructor(expression: string, zone: string, nowMs: number) {
    if (!FIELDS.includes(expression.trim().split(/\s+/).length)) {
      throw new RangeError("it has six or seven fields");
    }
    this.#cron = cronOf(expression, zone);
    if (this.next(nowMs) === null) {
      throw new RangeError("it never comes true from now on");
    }
  }

  /** The first run after that time, Unix milliseconds; null if there is none. */
  next(afterMs: number): number | null {
    return this.#cron.nextRun(new Date(afterMs))?.getTime() ?? null;
  }

  /** The last run before that time, Unix milliseconds; null if there was none. */
  previous(beforeMs: number): number | null {
    return this.#cron.previousRuns(1, new Date(beforeMs))[0]?.getTime() ?? null;
  }
}

/** Whether the runtime knows a time zone by that name. */
export function isTimeZone(zone: string): boolean {
  try {
    new Intl.DateTimeFormat("en", { timeZone: zone });
    return true;
  } catch {
    return false;
  }
}

function cronOf(expression: string, zone: string): Cron {
  try {
    return new Cron(expression, {
      paused: true,
      domAndDow: true,
      alternativeWeekdays: true,
      sloppyRanges: true,
      ...(zone === "" ? {} : { timezone: zone }),
    });
  } catch (cause) {
    throw new RangeError(cause instanceof Error ? cause.message : `${cause}`, {
      cause,
    });
  }
}
