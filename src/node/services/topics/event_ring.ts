import type { TopicMessage } from "../../port.ts";
import type { LogIndex } from "../../../raft/types.ts";

/** The latest events that listeners share; those before them are in the table. */
const EVENTS_MAX = 4_096;
const BYTES_MAX = 16 * 1024 * 1024;
/** Places that may be empty before the array is cut. */
const EMPTY_MAX = 1_024;

/** An event as all listeners are told of it. */
export interface RingEvent {
  /** See `Published`. */
  readonly number: number;
  readonly index: LogIndex;
  readonly message: Extract<TopicMessage, { kind: "event" }>;
}

/** The latest events, without gaps, by their numbers. */
export class EventRing {
  #events: (RingEvent | null)[] = [];
  #head = 0;
  #bytes = 0;
  #start: number;

  /** Empty, after the event of this number. */
  constructor(last: number) {
    this.#start = last;
  }

  /** Events after this number are here. */
  get start(): number {
    return this.#start;
  }

  /** The number of the latest event. */
  get last(): number {
    return this.#start + this.#events.length - this.#head;
  }

  /** Adds the event that comes next; if it is another one, those before it are not here. */
  push(event: RingEvent): void {
    if (event.number !== this.last + 1) this.clear(event.number - 1);
    this.#events.push(event);
    this.#bytes += event.message.data.bytes.length;
    while (
      this.#events.length - this.#head > EVENTS_MAX || this.#bytes > BYTES_MAX
    ) this.#drop();
  }

  /** The event of a number between `start` and `last`. */
  at(number: number): RingEvent {
    return this.#events[this.#head + number - this.#start - 1]!;
  }

  /** Forgets all, and goes on after the event of this number. */
  clear(last: number): void {
    this.#events = [];
    this.#head = 0;
    this.#bytes = 0;
    this.#start = last;
  }

  #drop(): void {
    this.#bytes -= this.#events[this.#head]!.message.data.bytes.length;
    this.#events[this.#head++] = null;
    this.#start++;
    if (this.#head < EMPTY_MAX) return;
    this.#events = this.#events.slice(this.#head);
    this.#head = 0;
  }
}
