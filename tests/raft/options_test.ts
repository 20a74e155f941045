import assert from "node:assert/strict";
import { assertOptions, DEFAULT_RAFT_OPTIONS } from "../../src/raft/options.ts";
import { configOf } from "./harness/configurations.ts";
import { coreOf, initOf } from "./harness/core.ts";

Deno.test("DEFAULT_RAFT_OPTIONS are valid", () => {
  assertOptions(DEFAULT_RAFT_OPTIONS);
});

Deno.test("RaftCore refuses options that make no sense", () => {
  const init = initOf("1", configOf(["1"]));
  assert.throws(() => coreOf(init, { electionTicks: 0 }), /electionTicks.*: 0/);
  assert.throws(() => coreOf(init, { maxInflightBytes: 1.5 }), /1\.5/);
  assert.throws(() => coreOf(init, { heartbeatTicks: 10 }), /less than/);
});

Deno.test("RaftCore refuses a start that contradicts itself", () => {
  const init = initOf("1", configOf(["1"]), [1, 1]);
  const [first, second] = init.entries;
  assert.throws(
    () => coreOf({ ...init, entries: [second!] }),
    /gap in the log at 2/,
  );
  assert.throws(
    () => coreOf({ ...init, hardState: { term: 0, vote: null } }),
    /entry of term 1 in a log of term 0/,
  );
  assert.throws(() => coreOf({ ...init, applied: 3 }), /applied 3 outside/);
  assert.throws(
    () =>
      coreOf({
        ...init,
        entries: [first!],
        configs: [{ index: 2, config: configOf(["1"]) }],
      }),
    /configuration beyond the log/,
  );
});
