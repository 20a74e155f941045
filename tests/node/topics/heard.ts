import type { TopicMessage } from "../../../src/node/port.ts";
import type { LocalClient } from "../../../src/client/local.ts";
import { open, type OpenOptions } from "../../../src/app/open.ts";

/** Whoever hears nothing for so long will not hear anything, ms. */
const HEARD_MS = 30_000;

/** Runs something with a member of its own in this process. */
export async function withMember(
  run: (db: LocalClient) => Promise<void>,
  options: Partial<OpenOptions> = {},
): Promise<void> {
  const own = await Deno.makeTempDir();
  const db = await open({
    dataDir: own,
    tickMs: 5,
    readyTimeoutMs: 20_000,
    cache: false,
    ...options,
  });
  try {
    await run(db);
  } finally {
    await db.shutdown();
    await Deno.remove(own, { recursive: true });
  }
}

/** Publishes texts on a topic, in one entry; the ids. */
export async function publish(
  db: LocalClient,
  topic: string,
  ...texts: string[]
): Promise<readonly string[]> {
  const notices = texts.map((text) => ({
    topic,
    data: { kind: "text" as const, bytes: new TextEncoder().encode(text) },
  }));
  return (await db.member.topics.notify({ notices })).ids;
}

/** A message in short: `topic=text` of an event, else its kind. */
export function short(message: TopicMessage): string {
  return message.kind === "event"
    ? `${message.topic}=${new TextDecoder().decode(message.data.bytes)}`
    : message.kind;
}

/** Reads the next messages of a listener. */
export class Ear {
  readonly #messages: AsyncIterator<TopicMessage>;

  constructor(messages: AsyncIterable<TopicMessage>) {
    this.#messages = messages[Symbol.asyncIterator]();
  }

  async next(): Promise<TopicMessage> {
    const late = Promise.withResolvers<never>();
    const timer = setTimeout(
      () => late.reject(new Error("nothing was heard")),
      HEARD_MS,
    );
    try {
      const heard = this.#messages.next();
      const { done, value } = await Promise.race([heard, late.promise]);
      if (done) throw new Error("the listener is over");
      return value;
    } finally {
      clearTimeout(timer);
    }
  }

  async take(count: number): Promise<string[]> {
    const heard: string[] = [];
    for (let i = 0; i < count; i++) heard.push(short(await this.next()));
    return heard;
  }

  async end(): Promise<void> {
    await this.#messages.return?.();
  }
}
