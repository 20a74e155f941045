import { type Client, connect } from "../client/remote.ts";
import type { EventData, TopicUpdate } from "../client/topics/types.ts";
import {
  countOf,
  describeFlags,
  type Flag,
  type Parsed,
  parseFlags,
  UsageError,
  valueOf,
} from "./arguments.ts";
import { eventLine } from "./event_line.ts";
import { REACH_FLAGS, reachable } from "./reachable.ts";
import type { Terminal } from "./terminal.ts";

/** Longest wait for an answer, s. */
const TIMEOUT_S = 10;

const HELP_FLAG: Readonly<Record<string, Flag>> = {
  help: { short: "h", about: "Show this" },
};

const NOTIFY_FLAGS: Readonly<Record<string, Flag>> = {
  json: { about: "The data is JSON" },
  ...REACH_FLAGS,
  timeout: { value: "seconds", about: `Longest wait [${TIMEOUT_S}]` },
  ...HELP_FLAG,
};

const LISTEN_FLAGS: Readonly<Record<string, Flag>> = {
  since: {
    value: "id",
    about: "After this event; `oldest`: all that are kept [from now on]",
  },
  json: { about: "A line of JSON for each event" },
  count: { value: "n", about: "End after so many events" },
  ...REACH_FLAGS,
  ...HELP_FLAG,
};

/** The help of `hiqlite notify`. */
export function notifyHelp(): string[] {
  return [
    "Usage: hiqlite notify <topic> <data> [options]",
    "",
    "Publish an event, and show its id.",
    "",
    "Options:",
    ...describeFlags(NOTIFY_FLAGS),
  ];
}

/** The help of `hiqlite listen`. */
export function listenHelp(): string[] {
  return [
    "Usage: hiqlite listen <topic>... [options]",
    "",
    "Show events as they are published: id, topic and data; bytes as base64. A topic",
    "that ends with '*' stands for all that begin so.",
    "",
    "Options:",
    ...describeFlags(LISTEN_FLAGS),
  ];
}

/** Publishes an event. */
export async function notify(
  args: readonly string[],
  terminal: Terminal,
): Promise<number> {
  const { flags, positionals } = parseFlags(args, NOTIFY_FLAGS);
  const [topic, text, unexpected] = positionals;
  if (topic === undefined) throw new UsageError("The topic is missing");
  if (text === undefined) throw new UsageError("The data is missing");
  refuse(unexpected);
  const timeoutMs = 1000 * (countOf(flags, "timeout") ?? TIMEOUT_S);
  const data = flags.has("json") ? parsed(text) : text;
  await using client = clientOf(flags, terminal, timeoutMs);
  const { id } = await client.notify(topic, data);
  terminal.out(id);
  return 0;
}

/** Shows events until it is stopped, or has shown enough. */
export async function listenTo(
  args: readonly string[],
  terminal: Terminal,
): Promise<number> {
  const { flags, positionals: topics } = parseFlags(args, LISTEN_FLAGS);
  if (topics.length === 0) throw new UsageError("The topic is missing");
  const count = countOf(flags, "count") ?? Infinity;
  const since = valueOf(flags, "since");
  await using client = clientOf(flags, terminal, 1000 * TIMEOUT_S);
  const ended = new AbortController();
  const heard = client.listen({
    topics,
    signal: ended.signal,
    ...(since === undefined ? {} : { since }),
  });
  const release = terminal.onStop(() => ended.abort());
  let events = 0;
  try {
    for await (const update of heard) {
      if (flags.has("json")) terminal.out(lineOf(update));
      else if (update.kind === "event") terminal.out(eventLine(update));
      else terminal.error(eventLine(update));
      if (update.kind === "event" && ++events >= count) break;
    }
  } finally {
    release();
  }
  return 0;
}

function lineOf(update: TopicUpdate): string {
  if (update.kind !== "event" || !(update.data instanceof Uint8Array)) {
    return JSON.stringify(update);
  }
  return JSON.stringify({ ...update, data: { $blob: update.data.toBase64() } });
}

function parsed(text: string): EventData {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new UsageError(`The data is not JSON: ${(error as Error).message}`);
  }
}

function clientOf(
  flags: Parsed["flags"],
  terminal: Terminal,
  timeoutMs: number,
): Client {
  return connect({ ...reachable(flags, terminal), timeoutMs });
}

function refuse(unexpected: string | undefined): void {
  if (unexpected === undefined) return;
  throw new UsageError(
    `Unexpected argument '${unexpected}'; data with spaces stand in quotes`,
  );
}
