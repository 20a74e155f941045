import type { TopicMessage } from "../../node/port.ts";
import { plainOf } from "../stored_values.ts";
import type { EventData, TopicUpdate } from "./types.ts";

/**
 * What is published, in order, from the call of `listen()` on or after `since`. To be iterated once; leaving the loop
 * ends it. It ends with an error if the client or the member is shut down.
 */
export class TopicStream implements AsyncIterable<TopicUpdate> {
  readonly #messages: AsyncIterator<TopicMessage>;
  /** What was read before somebody wanted it. */
  #first: Promise<IteratorResult<TopicMessage>> | null = null;

  /** Reads messages that begin with a place. */
  constructor(messages: AsyncIterable<TopicMessage>) {
    this.#messages = messages[Symbol.asyncIterator]();
  }

  /**
   * Resolves with the place after which everything will be heard. In a member's process that is where the call of
   * `listen()` was; from afar, where the first member was reached.
   * @throws {HiqliteError} as the iteration would.
   */
  async started(): Promise<string> {
    this.#first ??= this.#messages.next();
    const { value } = await this.#first;
    return value?.id ?? "";
  }

  /** Iterates over what is heard. */
  async *[Symbol.asyncIterator](): AsyncGenerator<TopicUpdate> {
    let next = this.#first ?? this.#messages.next();
    try {
      for (;;) {
        const { done, value } = await next;
        if (done) return;
        if (value.kind !== "place") yield updateOf(value);
        next = this.#messages.next();
      }
    } finally {
      await this.#messages.return?.();
    }
  }
}

function updateOf(
  message: Exclude<TopicMessage, { kind: "place" }>,
): TopicUpdate {
  if (message.kind !== "event") return message;
  const { kind, id, topic, data } = message;
  const value = plainOf(data.kind, data.bytes) as EventData;
  // Others are told the same event.
  const own = value instanceof Uint8Array ? value.slice() : value;
  return { kind, id, topic, data: own };
}
