import type { OwnEvents } from "./own_events.ts";

/** Reasons that are the cluster's, not the statement's. */
const REASONS: ReadonlySet<string> = new Set([
  "no_leader",
  "overloaded",
  "disk_full",
  "outcome_unknown",
  "timeout",
  "storage",
  "internal",
]);
/** Of each reason one event in so much time, ms. */
const WINDOW_MS = 10_000;

/** Turns refused writes into events: the first of a reason at once, then what gathers in ten seconds. */
export class RefusedWrites {
  readonly #events: OwnEvents;
  readonly #seen = new Map<string, { told: number; nextMs: number }>();

  /** Notes them in `events`. */
  constructor(events: OwnEvents) {
    this.#events = events;
  }

  /** Looks at how often writes failed so far, by code. Call it about once a second; `nowMs` never goes back. */
  look(failures: ReadonlyMap<string, number>, nowMs: number): void {
    for (const [reason, total] of failures) {
      if (!REASONS.has(reason)) continue;
      const seen = this.#seen.get(reason) ?? { told: 0, nextMs: nowMs };
      this.#seen.set(reason, seen);
      const count = total - seen.told;
      if (count === 0 || nowMs < seen.nextMs) continue;
      seen.told = total;
      seen.nextMs = nowMs + WINDOW_MS;
      this.#events.note({
        kind: "writes_refused",
        text: `${
          count === 1 ? "a write" : `${count} writes`
        } failed: ${reason}`,
        count,
      });
    }
  }
}
