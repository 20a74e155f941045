import { eventId, type EventPlace } from "../../../state/topics/event_id.ts";
import type { TopicFilter } from "../../../state/topics/topic_filter.ts";
import type { TopicMessage } from "../../port.ts";
import type { EventRing, RingEvent } from "./event_ring.ts";
import { type EventPage, readEvents } from "./event_table.ts";
import type { LatestEvents } from "./latest_events.ts";

/** Between two looks whether this member has come as far as another one had. */
const LOOK_MS = 50;

/** Where a listener begins: at a place of this member, or at one that somebody remembers. */
export type Start = {
  readonly kind: "known" | "asked";
  readonly place: EventPlace;
};

/** A page whose events are those of all who have them. */
interface SharedPage extends Omit<EventPage, "events"> {
  readonly events: readonly RingEvent[];
}

/** What a listener needs from its service. */
export interface ListenerPorts {
  /** Null while the member has no loop. */
  latest(): LatestEvents | null;
  /** Until `waiting` is woken, or the listener may be over; at the latest after `ms`, and then true. */
  await(waiting: WaitingListener | null, ms?: number): Promise<boolean>;
  /** It missed something. */
  lagged(): void;
  /** Whether it goes on; throws if the member stops. */
  goesOn(): boolean;
}

/** What one listener wants. */
export interface Listened {
  readonly filter: TopicFilter;
  readonly start: Start;
  readonly placesMs: number | undefined;
}

/** Somebody who waits for an event after a place. */
export class WaitingListener {
  readonly #filter: TopicFilter;
  #place: EventPlace;
  /** There is something to do. */
  wake: () => void = () => {};

  /** Wants what the filter matches. */
  constructor(filter: TopicFilter, place: EventPlace) {
    this.#filter = filter;
    this.#place = place;
  }

  /** Up to here there was nothing for it. */
  get place(): EventPlace {
    return this.#place;
  }

  /** Wakes if the ring has an event for it, or has lost one that it may be. */
  look(latest: LatestEvents): void {
    const { ring } = latest;
    const { number } = this.#place;
    const lost = number < ring.start;
    if (lost || nextIn(ring, number, this.#filter) !== null) return this.wake();
    this.#place = behind(this.#place, latest);
  }
}

/** One listener: a place in the events, and nothing else that grows. */
export class TopicListener {
  readonly #ports: ListenerPorts;
  readonly #listened: Listened;
  #place: EventPlace;

  /** Tells nothing before {@linkcode messages} is asked for it. */
  constructor(ports: ListenerPorts, listened: Listened) {
    this.#ports = ports;
    this.#listened = listened;
    this.#place = listened.start.place;
  }

  /** What it hears, until it is over. */
  async *messages(): AsyncGenerator<TopicMessage> {
    const { start, placesMs } = this.#listened;
    if (start.kind === "asked") yield* this.#resume();
    let tellPlace = placesMs !== undefined;
    while (this.#ports.goesOn()) {
      const latest = this.#ports.latest();
      if (latest === null) {
        await this.#ports.await(null, LOOK_MS);
        continue;
      }
      latest.take();
      if (this.#place.number < latest.ring.start) {
        yield* this.#fromTable(latest);
        continue;
      }
      const event = this.#next(latest);
      if (event !== null) {
        yield event.message;
        tellPlace = false;
      } else if (tellPlace) {
        tellPlace = false;
        yield { kind: "place", id: eventId(this.#place) };
      } else tellPlace = await this.#wait(placesMs);
    }
  }

  /** The next event of the ring, and the place after it. */
  #next(latest: LatestEvents): RingEvent | null {
    const { epoch, number } = this.#place;
    const event = nextIn(latest.ring, number, this.#listened.filter);
    this.#place = event === null
      ? behind(this.#place, latest)
      : { epoch, index: event.index, number: event.number };
    return event;
  }

  /** What is kept and no longer among the latest. */
  async *#fromTable(latest: LatestEvents): AsyncGenerator<TopicMessage> {
    const { epoch, number } = this.#place;
    const page = await this.#page(latest, number);
    if (page === null) return;
    const { events, upTo, index } = page;
    const first = events[0];
    const missed = (first?.number ?? upTo + 1) - number - 1;
    if (missed > 0) {
      const from = eventId(this.#place);
      this.#place = { epoch, index, number: number + missed };
      const oldest = first === undefined ? null : eventId({ epoch, ...first });
      this.#ports.lagged();
      const id = eventId(this.#place);
      yield { kind: "lagged", id, from, oldest, missed };
    }
    for (const { message, ...at } of events) {
      if (!this.#ports.goesOn()) return;
      this.#place = { epoch, ...at };
      if (this.#listened.filter.matches(message.topic)) yield message;
    }
    this.#place = { epoch, index, number: upTo };
  }

  /** A page of the table; null if the member is rebuilt meanwhile: then its new state is asked. */
  async #page(
    latest: LatestEvents,
    after: number,
  ): Promise<SharedPage | null> {
    try {
      const page = await readEvents(latest.machine, after);
      // Whoever does not ask for more keeps it.
      const events = page.events.map((event) => latest.shared.of(event));
      return { ...page, events };
    } catch (error) {
      if (this.#ports.goesOn() && this.#ports.latest() !== latest) return null;
      throw error;
    }
  }

  /** Goes on where it was told to, once this member has come so far; if nobody ever has, from now on. */
  async *#resume(): AsyncGenerator<TopicMessage> {
    const asked = this.#place;
    while (this.#ports.goesOn()) {
      const latest = this.#ports.latest();
      if (latest !== null) {
        const { epoch, machine: { applied, retainedEvents } } = latest;
        const here = asked.epoch === epoch && asked.index <= applied.index;
        if (here && asked.number <= retainedEvents.last) return;
        const elsewhere = asked.epoch === epoch && !here;
        if (!elsewhere || await this.#isUnknown(latest, asked)) {
          return yield this.#reset(latest);
        }
      }
      await this.#ports.await(null, LOOK_MS);
    }
  }

  /** Whether the leader says that there is no such entry yet. Without one nothing can be said. */
  async #isUnknown(
    { group }: LatestEvents,
    { index }: EventPlace,
  ): Promise<boolean> {
    const committed = await new Promise<number | null>((resolve) =>
      group.readIndex(resolve)
    );
    return committed !== null && index > committed;
  }

  #reset(latest: LatestEvents): TopicMessage {
    const from = eventId(this.#place);
    latest.take();
    const { epoch, machine: { applied: { index } }, ring } = latest;
    this.#place = { epoch, index, number: ring.last };
    return { kind: "reset", id: eventId(this.#place), from };
  }

  /** Until there may be something; true if `ms` was over before. */
  async #wait(ms: number | undefined): Promise<boolean> {
    const waiting = new WaitingListener(this.#listened.filter, this.#place);
    const late = await this.#ports.await(waiting, ms);
    this.#place = waiting.place;
    return late;
  }
}

/** The first event after a number that is wanted; null if there is none yet. */
function nextIn(
  ring: EventRing,
  after: number,
  filter: TopicFilter,
): RingEvent | null {
  for (let number = after + 1; number <= ring.last; number++) {
    const event = ring.at(number);
    if (filter.matches(event.message.topic)) return event;
  }
  return null;
}

/** The place behind all that is there, when nothing of it was wanted. */
function behind(
  { epoch, index, number }: EventPlace,
  { ring, machine }: LatestEvents,
): EventPlace {
  // The table may have been read ahead of both.
  return {
    epoch,
    index: Math.max(index, machine.applied.index),
    number: Math.max(number, ring.last),
  };
}
