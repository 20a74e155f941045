import assert from "node:assert/strict";
import { History } from "../sim/history.ts";
import { COUNTER_DIALECT } from "./dialect.ts";

/** Two adds of different clients, one after the other, with these answers. */
function history(first: string, second: string, read: string): History {
  const history = new History(COUNTER_DIALECT);
  const adds = [
    { kind: "append", key: 1, value: 5 },
    { kind: "put", key: 1, value: 7 },
    { kind: "read", key: 1 },
  ] as const;
  for (const [i, answer] of [first, second, read].entries()) {
    history.answer(history.invoke(history.newProcess(), adds[i]!), answer);
  }
  return history;
}

Deno.test("the simulator sees an add to a counter that is lost, repeated or out of order", () => {
  assert.equal(history("5", "12", "12").check(), true);
  const wrong = [
    ["5", "7", "7"],
    ["5", "17", "17"],
    ["12", "7", "12"],
    ["5", "12", "5"],
  ] as const;
  for (const [first, second, read] of wrong) {
    assert.throws(() => history(first, second, read).check(), {
      message: /no order explains/,
    });
  }
});
