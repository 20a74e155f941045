import type { LogIndex } from "../../src/raft/types.ts";
import type { StateEvent } from "../../src/state/port.ts";
import type { Observed } from "./oracle.ts";
import { Violation } from "./violation.ts";

/** Where an event is in the order of all. */
export type EventPlace = Pick<StateEvent, "index" | "seq">;

/** Checks what members tell of events: each in order, of what is applied, and the same of each. */
export class EventOracle {
  /** What each event told of, by its place. */
  readonly #events = new Map<string, string>();

  /** A member told of an event: the same as others at this place. */
  told({ member, seen }: Observed, event: StateEvent): void {
    const { index, seq, kind, bytes } = event;
    const last = seen.told ?? { index: 0, seq: 0 };
    const later = index > last.index || index === last.index && seq > last.seq;
    if (index > seen.applied || !later) {
      throw new Violation(
        "events of what is applied",
        `${member} told of ${index}, ${seq} after ${last.index}, ${last.seq}, applied ${seen.applied}`,
      );
    }
    seen.told = { index, seq };
    const place = `${index}:${seq}`;
    const text = `${kind} ${bytes.toHex()}`;
    const known = this.#events.get(place);
    if (known === undefined) this.#events.set(place, text);
    else if (known !== text) {
      throw new Violation(
        "equal events",
        `${member} told of ${text} at ${place}, another of ${known}`,
      );
    }
  }

  /** The entries up to `to`, applied anew, tell of these events: members told of no others, and of each as it is. */
  retold(events: readonly StateEvent[], to: LogIndex): void {
    const anew = new Map<string, string>(
      events.map(({ index, seq, kind, bytes }) =>
        [`${index}:${seq}`, `${kind} ${bytes.toHex()}`] as const
      ),
    );
    for (const [place, text] of this.#events) {
      if (anew.get(place) === text || parseInt(place) > to) continue;
      throw new Violation(
        "equal events",
        `${text} was told at ${place}, the log gives ${anew.get(place)}`,
      );
    }
  }
}
