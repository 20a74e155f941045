import { invalidInput } from "../wrong_input.ts";
import { LISTENED_TOPICS_MAX, TOPIC_NAME } from "./limits.ts";

const BEGINNING = /^[A-Za-z0-9_.-]{0,64}\*$/;

/** Which topics a listener hears: names, and beginnings of names, which end with `*`. */
export class TopicFilter {
  readonly #names: ReadonlySet<string>;
  readonly #beginnings: readonly string[];

  /** @throws {HiqliteError} `invalid` for what is no topic, none, or more than 100. */
  constructor(topics: readonly string[]) {
    if (!Array.isArray(topics)) {
      throw invalidInput("listen: expected a list of topics");
    }
    if (topics.length === 0 || topics.length > LISTENED_TOPICS_MAX) {
      throw invalidInput(
        `listen: expected 1 to ${LISTENED_TOPICS_MAX} topics, got ${topics.length}`,
      );
    }
    for (const topic of topics) {
      const isName = typeof topic === "string" &&
        (TOPIC_NAME.test(topic) || BEGINNING.test(topic));
      if (isName) continue;
      throw invalidInput(
        `listen: not a topic: ${
          JSON.stringify(String(topic).slice(0, 80))
        }; expected 1 to 64 letters, digits, "_", "." or "-", or a beginning with "*" at its end`,
      );
    }
    this.#names = new Set(topics);
    this.#beginnings = topics.filter((topic) => topic.endsWith("*"))
      .map((topic) => topic.slice(0, -1));
  }

  /** Whether events of this topic are wanted. */
  matches(topic: string): boolean {
    return this.#names.has(topic) ||
      this.#beginnings.some((beginning) => topic.startsWith(beginning));
  }
}
