import { type Entry, EntryKind } from "../../../src/raft/types.ts";
import { decodeAnswer } from "../../../src/state/answer.ts";
import { decodeEnvelope } from "../../../src/state/envelope.ts";
import { decodeLockAnswer } from "../../../src/state/locks/codec.ts";
import { LOCK_EVENT, lockEventIn } from "../../../src/state/locks/events.ts";
import type { LockEvent } from "../../../src/state/locks/types.ts";
import type { StateEvent } from "../../../src/state/port.ts";
import {
  decodeCommand,
  type EntryCommand,
} from "../../../src/state/sql/command.ts";
import { decodeResult } from "../../../src/state/sql/result.ts";
import type { CommandResult } from "../../../src/state/sql/types.ts";
import { readToldEvent, TOPIC_EVENT } from "../../../src/state/topics/event.ts";
import { ByteReader } from "../../../src/util/bytes.ts";
import type { Judged } from "../dialect.ts";
import { Violation } from "../violation.ts";
import { LockReference } from "./reference.ts";

/**
 * Everything that was committed, once more: whatever ends or is granted must be due, and nothing that is due may be
 * left out; answers are as the {@linkcode LockReference} says; a write with a fence happens if its lock is held, and
 * else does nothing; each publishes what it was to publish, if it happened, in the order of the log.
 */
export function judge({ entries, answers, events }: Judged): void {
  const story = new Story();
  const told = Map.groupBy(events, ({ index }) => index);
  for (const [i, entry] of entries.entries()) {
    story.step(entry, answers[i]!, told.get(entry.index) ?? []);
  }
}

/** What topic events say, one line each. */
export function publishedIn(events: readonly StateEvent[]): string[] {
  return events.filter(({ kind }) => kind === TOPIC_EVENT)
    .map(({ index, bytes }) => {
      const { number, topic, data } = readToldEvent(new ByteReader(bytes));
      return lineOf(number, index, topic, data!.bytes);
    });
}

/** An event in a canonical form. */
export function lineOf(
  number: number,
  index: number,
  topic: string,
  bytes: Uint8Array,
): string {
  return `${number} of ${index} ${topic}: ${new TextDecoder().decode(bytes)}`;
}

class Story {
  readonly #locks = new LockReference();
  #clockMs = 0;
  #rows = 0;
  #published = 0;

  step(
    { index, kind, payload }: Entry,
    answer: Uint8Array,
    events: readonly StateEvent[],
  ): void {
    const lockEvents = events.filter(({ kind }) => kind === LOCK_EVENT)
      .map(({ bytes }) => lockEventIn(bytes));
    const published = kind === EntryKind.command
      ? this.#command(index, payload, answer, lockEvents)
      : [];
    if (kind !== EntryKind.command && lockEvents.length > 0) {
      wrong(index, "events of locks without a command");
    }
    const lines = published.map(([topic, text]) =>
      lineOf(++this.#published, index, topic, new TextEncoder().encode(text))
    );
    const actual = publishedIn(events);
    if (actual.join("\n") === lines.join("\n")) return;
    wrong(index, `published ${actual.join(", ")}, not ${lines.join(", ")}`);
  }

  /** What it publishes. */
  #command(
    index: number,
    payload: Uint8Array,
    answer: Uint8Array,
    events: readonly LockEvent[],
  ): Published[] {
    const envelope = decodeEnvelope(payload);
    this.#clockMs = Math.max(this.#clockMs, envelope.clockMs);
    this.#locks.begin(index, this.#clockMs, events);
    const answered = decodeAnswer(answer);
    // Whether it is a repetition is for the session's rules to tell.
    const done = envelope.kind === "command" && answered.refusal === null &&
      answered.index === index;
    const published = done
      ? this.#perform(index, decodeCommand(envelope.body), answered.body)
      : [];
    this.#locks.end();
    return published;
  }

  #perform(
    index: number,
    command: EntryCommand,
    body: Uint8Array,
  ): Published[] {
    if (command.kind === "lock") {
      const expected = JSON.stringify(this.#locks.run(command.operation));
      const actual = JSON.stringify(decodeLockAnswer(body));
      if (actual !== expected) {
        wrong(
          index,
          `${
            JSON.stringify(command.operation)
          } is answered ${actual}, not ${expected}`,
        );
      }
      return [];
    }
    const result = decodeResult(body);
    if (command.kind === "notify") {
      return command.notices.map(({ topic, data }) => [topic, textOf(data)]);
    }
    if (command.kind !== "txn") throw new Error(`no ${command.kind} here`);
    return this.#write(index, command, result);
  }

  #write(
    index: number,
    { fence, statements, notify = [] }: Extract<EntryCommand, { kind: "txn" }>,
    result: CommandResult,
  ): Published[] {
    const held = this.#locks.holds(fence!);
    const code = result.ok ? "ok" : result.error.code;
    const expected = !held ? "fenced" : statements.length > 1 ? "sql" : "ok";
    const failed = code !== "ok" && code !== "fenced";
    if (code !== expected && !(expected === "sql" && failed)) {
      wrong(index, `a write under ${fence!.token} is ${code}, not ${expected}`);
    }
    if (!result.ok) return [];
    const row = JSON.stringify(result.results[0]!.rows);
    const rows = [[++this.#rows, this.#locks.tokenOf(fence!.name)]];
    if (row !== JSON.stringify(rows)) {
      wrong(index, `a write is answered ${row}, not ${JSON.stringify(rows)}`);
    }
    return [
      ["guarded", `${fence!.name} ${fence!.token}`],
      ...notify.map(({ topic, data }): Published => [topic, textOf(data)]),
    ];
  }
}

type Published = readonly [topic: string, text: string];

function textOf(data: object): string {
  if (!("bytes" in data)) throw new Error("no reference here");
  return new TextDecoder().decode(data.bytes as Uint8Array);
}

function wrong(index: number, what: string): never {
  throw new Violation("locks", `entry ${index}: ${what}`);
}
