import assert from "node:assert/strict";
import { EntryKind } from "../../../src/raft/types.ts";
import { encodeAnswer } from "../../../src/state/answer.ts";
import { NO_IDENTITY } from "../../../src/state/envelope.ts";
import { writeKvAnswers } from "../../state/kv/answers.ts";
import { writeKvCommand } from "../../../src/state/kv/command.ts";
import type { KvAnswer, KvUnit } from "../../../src/state/kv/types.ts";
import { encodeEnvelope } from "../../state/envelopes.ts";
import type { Operation } from "../command.ts";
import { History } from "../history.ts";
import { cacheDialect } from "./dialect.ts";
import { judge } from "./judge.ts";
import { CacheModel } from "./model.ts";
import { companyOf, MAIN, mainKey, textValue } from "./units.ts";

const SLOT = 3;
const REGISTER = 2;
const COUNTER = 1;

/** Calls of different clients, one after the other, each with its answer. */
function history(
  ...calls: readonly (readonly [Operation, string | undefined])[]
): History {
  const history = new History(cacheDialect(1));
  for (const [operation, answer] of calls) {
    const call = history.invoke(history.newProcess(), operation);
    if (answer !== undefined) history.answer(call, answer);
  }
  return history;
}

const fill = (value: number): Operation => ({
  kind: "append",
  key: SLOT,
  value,
});
const empty: Operation = { kind: "append", key: SLOT, value: 2 };
const put = (value: number): Operation => ({
  kind: "put",
  key: REGISTER,
  value,
});
const read: Operation = { kind: "read", key: REGISTER };
const add = (value: number): Operation => ({
  kind: "append",
  key: COUNTER,
  value,
});

Deno.test("the simulator sees a value that was removed twice, or comes back", () => {
  assert.equal(history([fill(5), ""], [empty, "5"], [empty, ""]).check(), true);
  const wrong = [
    [[fill(5), ""], [empty, "5"], [empty, "5"]],
    [[fill(5), ""], [empty, ""]],
    [[fill(5), ""], [fill(7), ""], [empty, "7"]],
    [[put(4), ""], [put(8), "4"], [read, "4"]],
    [[put(4), ""], [read, ""]],
    [[add(4), "4"], [add(2), "4"]],
  ] as const;
  for (const calls of wrong) {
    assert.throws(() => history(...calls).check(), {
      message: /no order explains/,
    });
  }
});

Deno.test("for the simulator what has a time to live may be gone, and does not come back", () => {
  assert.equal(history([put(3), ""], [read, "3"], [read, ""]).check(), true);
  assert.equal(history([put(3), ""], [put(4), ""], [read, "4"]).check(), true);
  assert.equal(history([put(3), undefined], [read, ""]).check(), true);
  assert.throws(
    () => history([put(3), ""], [read, ""], [read, "3"]).check(),
    { message: /no order explains/ },
  );
});

/** Packs of units, an entry each at the clock that is given. */
function entriesOf(packs: readonly (readonly [number, readonly KvUnit[]])[]) {
  return packs.map(([clockMs, units], i) => ({
    index: i + 1,
    term: 1,
    kind: EntryKind.command,
    payload: encodeEnvelope(
      { ...NO_IDENTITY, kind: "command", clockMs, timeMs: 0, seed: [0, 0] },
      (writer) => writeKvCommand(writer, units),
    ),
  }));
}

const at = { cache: MAIN, key: mainKey(REGISTER) };
const one = (operation: KvUnit["operations"][number]): KvUnit => ({
  checks: [],
  operations: [operation],
});

Deno.test("judge() agrees with the caches' machine about all that companies do", () => {
  const packs = Array.from({ length: 400 }, (_, i) =>
    [
      i * 40,
      [
        ...companyOf(7, i, i % 9 === 0 ? 300 : 0).units,
        one({
          kind: "put",
          ...at,
          value: textValue(`${i}`),
        }),
      ],
    ] as const);
  const entries = entriesOf(packs);
  const model = new CacheModel(new Uint8Array(0));
  const { answers } = model.apply(entries);
  const copy = new CacheModel(model.encode());
  assert.equal(copy.dump(), model.dump());
  judge({ entries, answers, reads: [], dump: copy.dump() });
});

Deno.test("judge() sees what goes before its time, or after it", () => {
  const value = textValue("v");
  const entries = entriesOf([
    [100, [one({ kind: "put", ...at, value, ttlMs: 50 })]],
    [149, [one({ kind: "getRemove", ...at })]],
    [150, [one({ kind: "put", ...at, value, ttlMs: 50 })]],
    [200, [one({ kind: "getRemove", ...at })]],
  ]);
  const model = new CacheModel(new Uint8Array(0));
  const { answers } = model.apply(entries);
  const judged = { entries, answers, reads: [], dump: model.dump() };
  judge(judged);
  const gone: KvAnswer = {
    kind: "done",
    results: [{ version: 0, found: false, previous: null, counter: 0n }],
  };
  const there: KvAnswer = {
    kind: "done",
    results: [{ ...gone.results[0]!, found: true, previous: value }],
  };
  for (const [place, answer] of [[1, gone], [3, there]] as const) {
    const told = encodeAnswer(
      place + 1,
      (writer) => writeKvAnswers(writer, [answer]),
    );
    assert.throws(
      () => judge({ ...judged, answers: answers.with(place, told) }),
      {
        message: /is answered/,
      },
    );
  }
  const readAt = (index: number, value: string) => ({
    ...judged,
    reads: [{ key: REGISTER, value, from: index, to: index }],
  });
  judge(readAt(1, "v"));
  judge(readAt(2, ""));
  assert.throws(() => judge(readAt(1, "")), { message: /was read as/ });
  assert.throws(() => judge(readAt(4, "v")), { message: /was read as/ });
  assert.throws(() => judge({ ...judged, dump: "" }), {
    message: /there is not/,
  });
});
