import type { StoredValue } from "../stored_value.ts";
import { invalidInput, tooLarge } from "../wrong_input.ts";
import {
  ENTRY_EVENT_BYTES_MAX,
  ENTRY_EVENTS_MAX,
  EVENT_DATA_BYTES_MAX,
  TOPIC_NAME,
} from "./limits.ts";

/** What is to be published. */
export interface Notice {
  /** 1 to 64 of `A-Za-z0-9_.-`. */
  readonly topic: string;
  /** What it carries, 256 KiB at most. */
  readonly data: StoredValue;
}

/**
 * Checks the name of a topic.
 * @throws {HiqliteError} `invalid`
 */
export function validateTopic(topic: unknown, where = ""): void {
  if (typeof topic === "string" && TOPIC_NAME.test(topic)) return;
  const given = typeof topic === "string"
    ? JSON.stringify(topic.slice(0, 80))
    : typeof topic;
  throw invalidInput(
    `${where}Not a topic: ${given}; expected 1 to 64 letters, digits, "_", "." or "-"`,
  );
}

/** Gathers the events of one entry, within the limits of an entry. */
export class Notices {
  readonly #list: Notice[] = [];
  #bytes = 0;

  /** In the order in which they were added. */
  get list(): readonly Notice[] {
    return this.#list;
  }

  /** How many there are; {@linkcode undo} goes back there. */
  get length(): number {
    return this.#list.length;
  }

  /**
   * Adds an event.
   * @throws {HiqliteError} `invalid` for its topic; `too_large` for its data, or the entry's events together.
   */
  add(notice: Notice): void {
    const { topic, data: { bytes: { length } } } = notice;
    validateTopic(topic);
    if (length > EVENT_DATA_BYTES_MAX) {
      throw tooLarge(
        `The event of topic ${topic}`,
        `${length} bytes`,
        EVENT_DATA_BYTES_MAX,
      );
    }
    if (this.#list.length === ENTRY_EVENTS_MAX) {
      throw tooLarge(
        "The write",
        `more than ${ENTRY_EVENTS_MAX} events`,
        ENTRY_EVENTS_MAX,
      );
    }
    if (this.#bytes + length > ENTRY_EVENT_BYTES_MAX) {
      throw tooLarge(
        "The write",
        `events of ${this.#bytes + length} bytes`,
        ENTRY_EVENT_BYTES_MAX,
      );
    }
    this.#list.push(notice);
    this.#bytes += length;
  }

  /** Forgets all after the first `length`: what they were part of was undone. */
  undo(length: number): void {
    if (length === this.#list.length) return;
    for (const { data } of this.#list.splice(length)) {
      this.#bytes -= data.bytes.length;
    }
  }
}
