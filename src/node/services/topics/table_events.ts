import type { Published } from "../../../state/topics/event.ts";
import { eventId } from "../../../state/topics/event_id.ts";
import type { RingEvent } from "./event_ring.ts";

/**
 * Events that were read from the table, one object for each as long as somebody has it. A listener that does not read keeps
 * the page that it was given, and its client's connection the event that it began to take: however many they are,
 * they keep no event twice, nor its text.
 */
export class TableEvents {
  readonly #epoch: string;
  readonly #events = new Map<number, WeakRef<RingEvent["message"]>>();
  readonly #gone = new FinalizationRegistry<number>((number) => {
    // It may have been read again meanwhile.
    if (this.#events.get(number)?.deref() === undefined) {
      this.#events.delete(number);
    }
  });

  /** Of one history, in which a number names one event. */
  constructor(epoch: string) {
    this.#epoch = epoch;
  }

  /** How many somebody may have. */
  get size(): number {
    return this.#events.size;
  }

  /** As all listeners are told of it. */
  of({ number, index, topic, data }: Published): RingEvent {
    let message = this.#events.get(number)?.deref();
    if (message === undefined) {
      const id = eventId({ epoch: this.#epoch, index, number });
      message = { kind: "event", id, topic, data };
      this.#events.set(number, new WeakRef(message));
      this.#gone.register(message, number);
    }
    return { number, index, message };
  }
}
