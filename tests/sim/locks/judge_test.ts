import assert from "node:assert/strict";
import { EntryKind } from "../../../src/raft/types.ts";
import { encodeAnswer } from "../../../src/state/answer.ts";
import { stampEnvelope } from "../../../src/state/envelope.ts";
import {
  decodeLockAnswer,
  writeLockAnswer,
} from "../../../src/state/locks/codec.ts";
import {
  encodeLockEvent,
  LOCK_EVENT,
  lockEventIn,
} from "../../../src/state/locks/events.ts";
import type {
  LockAnswer,
  LockEvent,
  LockWish,
} from "../../../src/state/locks/types.ts";
import type { StateEvent } from "../../../src/state/port.ts";
import type { EntryCommand } from "../../../src/state/sql/command.ts";
import { TOPIC_EVENT } from "../../../src/state/topics/event.ts";
import { decodeAnswer } from "../../../src/state/answer.ts";
import type { Judged } from "../dialect.ts";
import { encodeAsked, guardedWrite } from "./commands.ts";
import { lockDialect } from "./dialect.ts";
import { judge } from "./judge.ts";

type Step = readonly [clockMs: number, asked: EntryCommand];

const wish = (
  wish: Partial<LockWish> & { readonly ttlMs?: number } = {},
): EntryCommand => ({
  kind: "lock",
  operation: {
    kind: "acquire",
    wish: {
      name: "l",
      permits: 1,
      limit: 1,
      waitMs: 1_000,
      value: "",
      lease: { ttlMs: wish.ttlMs ?? 500, owner: "me" },
      ...wish,
    },
  },
});
const claim = (ticket: number): EntryCommand => ({
  kind: "lock",
  operation: { kind: "claim", name: "l", ticket },
});
const release = (token: number): EntryCommand => ({
  kind: "lock",
  operation: { kind: "release", name: "l", token },
});
const write = (token: number): EntryCommand =>
  guardedWrite({ name: "l", token }, [], false);

/** One after the other has the lock; the second loses it. */
const STORY: readonly Step[] = [
  [0, wish()],
  [10, wish()],
  [20, wish()],
  [30, write(1)],
  [40, release(1)],
  [50, claim(2)],
  [60, write(5)],
  [700, write(5)],
  [710, claim(3)],
];

/** What the production code makes of a story. */
function played(story: readonly Step[]): Judged {
  const dialect = lockDialect();
  const model = dialect.model(new Uint8Array(0));
  try {
    const entries = story.map(([clockMs, asked], i) => {
      const payload = encodeAsked(asked, i + 1, { session: 0, sequence: 0 });
      stampEnvelope(payload, { clockMs, timeMs: 0, seedA: 0, seedB: 0 });
      return { index: i + 1, term: 1, kind: EntryKind.command, payload };
    });
    const { answers } = model.apply(entries);
    const events = [...model.takeEvents!()];
    return { entries, answers, events, reads: [], dump: model.dump() };
  } finally {
    model.close();
    dialect.close();
  }
}

/** The same with other events of locks. */
function retold(
  judged: Judged,
  change: (event: LockEvent, index: number) => LockEvent | null,
): Judged {
  const events = judged.events.flatMap((event): StateEvent[] => {
    if (event.kind !== LOCK_EVENT) return [event];
    const changed = change(lockEventIn(event.bytes), event.index);
    return changed === null
      ? []
      : [{ ...event, bytes: encodeLockEvent(changed) }];
  });
  return { ...judged, events };
}

/** The same with another answer of a lock. */
function answered(judged: Judged, index: number, answer: LockAnswer): Judged {
  const bytes = encodeAnswer(
    index,
    (writer) => writeLockAnswer(writer, answer),
  );
  return { ...judged, answers: judged.answers.with(index - 1, bytes) };
}

Deno.test("the judge accepts what the production code does, and knows what it did", () => {
  const judged = played(STORY);
  judge(judged);
  const kinds = judged.events.map(({ index, kind, bytes }) =>
    `${index} ${kind === LOCK_EVENT ? lockEventIn(bytes).kind : kind}`
  );
  for (
    const expected of [
      "1 granted",
      "4 topic",
      "5 released",
      "5 granted",
      "6 claimed",
      "7 topic",
      "8 expired",
      "8 granted",
      "9 claimed",
    ]
  ) assert.ok(kinds.includes(expected), expected);
  assert.equal(kinds.includes("8 topic"), false);
  const last = decodeLockAnswer(decodeAnswer(judged.answers.at(-1)!).body);
  assert.equal(last.kind === "granted" && last.token, 8);
});

Deno.test("the judge sees locks that end too early, too late, or go to somebody else", () => {
  const judged = played(STORY);
  const wrong: readonly [string, Judged, RegExp][] = [
    [
      "nobody is told of an end",
      retold(judged, (event) => event.kind === "expired" ? null : event),
      /out of turn|beyond the limit|before its time|nothing is told/,
    ],
    [
      "a waiter is not served",
      retold(
        judged,
        (event, at) => at === 5 && event.kind === "granted" ? null : event,
      ),
      /nothing is told of a grant to 2/,
    ],
    [
      "another waiter is served",
      retold(
        judged,
        (event, at) =>
          at === 5 && event.kind === "granted"
            ? { ...event, ticket: 3 }
            : event,
      ),
      /out of turn/,
    ],
    [
      "a token is the ticket",
      retold(
        judged,
        (event, at) =>
          at === 5 && event.kind === "granted" ? { ...event, token: 2 } : event,
      ),
      /not token 5/,
    ],
    [
      "a holder loses its lock before its time",
      { ...judged, events: early(judged.events) },
      /"expired".*without a cause/,
    ],
    [
      "two have it at the same time",
      answered(judged, 2, { kind: "granted", token: 2, lease: 2, ttlMs: 500 }),
      /is answered/,
    ],
    [
      "a claim after the end",
      answered(judged, 9, { kind: "lost" }),
      /is answered/,
    ],
  ];
  for (const [name, story, message] of wrong) {
    assert.throws(() => judge(story), message, name);
  }
});

/** The end of entry 8 is told at entry 7. */
function early(events: readonly StateEvent[]): StateEvent[] {
  const expired = events.find((event) =>
    event.kind === LOCK_EVENT && lockEventIn(event.bytes).kind === "expired"
  )!;
  return [
    ...events.filter(({ index }) => index < 7),
    { ...expired, index: 7 },
    ...events.filter((event) => event.index >= 7 && event !== expired),
  ];
}

Deno.test("the judge sees a fenced write that happened although its lock was lost, and one that did not", () => {
  const judged = played(STORY);
  const { answers } = judged;
  const late = { ...judged, answers: answers.with(7, again(answers[6]!, 8)) };
  assert.throws(() => judge(late), /a write under 5 is ok, not fenced/);
  const lost = { ...judged, answers: answers.with(6, again(answers[7]!, 7)) };
  assert.throws(() => judge(lost), /a write under 5 is fenced, not ok/);
});

/** An answer as that of another entry. */
function again(answer: Uint8Array, index: number): Uint8Array {
  const { body } = decodeAnswer(answer);
  return encodeAnswer(index, (writer) => writer.raw(body));
}

Deno.test("the judge sees events that are missing, twice, or published by a write that failed", () => {
  const judged = played([
    ...STORY,
    [720, guardedWrite({ name: "l", token: 8 }, [], true)],
  ]);
  judge(judged);
  const { events } = judged;
  const told = events.filter(({ kind }) => kind === TOPIC_EVENT);
  assert.equal(told.length, 2);
  for (
    const wrong of [
      events.filter((event) => event !== told[0]),
      [...events, told[1]!],
      [...events, { ...told[1]!, index: 10 }],
      [...events, { ...told[1]!, index: 8 }],
    ]
  ) assert.throws(() => judge({ ...judged, events: wrong }), /published/);
});
