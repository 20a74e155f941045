import { type EventCursor, FeedReader } from "../../../group/event_feed.ts";
import type { RaftGroup } from "../../../group/group.ts";
import type { SqlMachine } from "../../../state/sql/port.ts";
import { readToldEvent, TOPIC_EVENT } from "../../../state/topics/event.ts";
import { eventId } from "../../../state/topics/event_id.ts";
import type { StateEvent } from "../../../state/port.ts";
import { ByteReader } from "../../../util/bytes.ts";
import { EventRing } from "./event_ring.ts";
import { TableEvents } from "./table_events.ts";

/** The latest events of a group, which all listeners share, filled from what the group's machine tells. */
export class LatestEvents {
  readonly group: RaftGroup;
  readonly machine: SqlMachine;
  readonly epoch: string;
  readonly ring: EventRing;
  /** What listeners read from the table. */
  readonly shared: TableEvents;
  readonly #reader: FeedReader;
  readonly #unhurry: () => void;

  /** Calls `added` after it took something over, never in the middle of the group's loop. */
  constructor(
    group: RaftGroup,
    machine: SqlMachine,
    epoch: string,
    added: () => void,
  ) {
    this.group = group;
    this.machine = machine;
    this.epoch = epoch;
    this.shared = new TableEvents(epoch);
    this.ring = new EventRing(machine.retainedEvents.last);
    // While somebody listens, entries are not kept waiting for others.
    this.#unhurry = group.events.hurry();
    this.#reader = new FeedReader(group.events, (cursor) => {
      this.#read(cursor);
      added();
    });
  }

  /** Takes over what was told since the last time. */
  take(): void {
    this.#reader.read();
  }

  #read(cursor: EventCursor): void {
    let missed = false;
    for (let event = cursor.next(); event !== null; event = cursor.next()) {
      if ("gap" in event) {
        missed = true;
      } else if (event.kind === TOPIC_EVENT) {
        this.#add(event);
        missed = false;
      }
    }
    // Behind a snapshot nothing more was told: what came with it is in the table.
    if (missed) this.ring.clear(this.machine.retainedEvents.last);
  }

  /** Takes nothing over any more. */
  stop(): void {
    this.#unhurry();
    this.#reader.end();
  }

  #add({ index, bytes }: StateEvent): void {
    const { number, topic, data } = readToldEvent(new ByteReader(bytes));
    if (data === null) return this.ring.clear(number);
    const id = eventId({ epoch: this.epoch, index, number });
    const message = { kind: "event", id, topic, data } as const;
    this.ring.push({ number, index, message });
  }
}
