import type { NodeId } from "../../raft/types.ts";
import type { MemberEvent } from "../telemetry_port.ts";
import type { Clock } from "../../util/clock.ts";

/** So many events of a member are kept. */
export const EVENTS_KEPT = 2_000;
/** Longest text of an event, characters. */
export const EVENT_TEXT_MAX = 300;

/** What a new event is about; left out: neither a group nor another member, and once. */
export type NewEvent =
  & Pick<MemberEvent, "kind" | "text">
  & Partial<Pick<MemberEvent, "group" | "term" | "about" | "count">>;

/** The last events of this member, oldest first. */
export class OwnEvents {
  readonly #nodeId: NodeId;
  readonly #clock: Clock;
  readonly #events: MemberEvent[] = [];
  #newest = 0;

  /** Empty. */
  constructor(nodeId: NodeId, clock: Clock) {
    this.#nodeId = nodeId;
    this.#clock = clock;
  }

  /** The number of the newest event; 0 without any. */
  get newest(): number {
    return this.#newest;
  }

  /** Something happened just now. */
  note(event: NewEvent): void {
    const atMs = this.#clock.wall();
    // Near the time, so that numbers go on growing after a restart.
    this.#newest = Math.max(this.#newest + 1, Math.floor(atMs));
    const { kind, group = null, term = 0, about = null, count = 1 } = event;
    this.#events.push({
      nodeId: this.#nodeId,
      number: this.#newest,
      atMs,
      kind,
      group,
      term,
      about,
      text: event.text.slice(0, EVENT_TEXT_MAX),
      count,
    });
    if (this.#events.length > EVENTS_KEPT) this.#events.shift();
  }

  /** The newest `limit` of those with larger numbers, oldest first. */
  after(number: number, limit: number): readonly MemberEvent[] {
    return this.#events.filter((event) => event.number > number).slice(-limit);
  }
}
