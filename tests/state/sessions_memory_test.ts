import assert from "node:assert/strict";
import * as v8 from "node:v8";
import { runInNewContext } from "node:vm";
import { encodeAnswer } from "../../src/state/answer.ts";
import { NO_IDENTITY } from "../../src/state/envelope.ts";
import { SESSION_LIMITS } from "../../src/state/session_limits.ts";
import type { SessionStore } from "../../src/state/session_store.ts";
import { Sessions } from "../../src/state/sessions.ts";

v8.setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

/** Beyond what answers hold, MiB; an object and a buffer for each took 120. */
const MEMORY_MIB_MAX = 20;

/** Takes what it is given, and keeps nothing. */
const NOWHERE: SessionStore = {
  load: () => ({ sessions: [], answers: [] }),
  save({ answers }) {
    for (const _row of answers);
  },
};

function usedMib(): number {
  collect();
  const { heapUsed, external } = Deno.memoryUsage();
  return (heapUsed + external) / 2 ** 20;
}

Deno.test("as many answers to writes with keys as are ever remembered take at most 20 MiB beyond their bytes", () => {
  const sessions = new Sessions(NOWHERE, { horizon: 0, clockMs: 0 });
  const keyed = (key: number) => ({
    ...NO_IDENTITY,
    idempotencyKey: `as long as others: number ${1e9 + key}`,
  });
  const before = usedMib();
  const { answers } = SESSION_LIMITS;
  let bytes = 0;
  for (let index = 1; index <= answers; index++) {
    const answer = encodeAnswer(index, (writer) => writer.text("one row"));
    bytes += answer.length;
    sessions.remember(keyed(index), index, index, index, answer);
    sessions.save(index); // the most rows there can be
  }
  const grown = usedMib() - before - bytes / 2 ** 20;
  assert.ok(grown < MEMORY_MIB_MAX, `${grown} MiB`);
  for (const index of [1, answers]) {
    const { kind } = sessions.recognize(keyed(index), index, answers + 1, 1);
    assert.equal(kind, "repeated");
  }
});
