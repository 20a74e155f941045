import { NO_CONFIGURATION, ZERO_LOG_ID } from "../../../src/raft/types.ts";
import { decodeAnswer } from "../../../src/state/answer.ts";
import { NO_IDENTITY } from "../../../src/state/envelope.ts";
import { readKvAnswers } from "../../../src/state/kv/answer.ts";
import { writeKvCommand } from "../../../src/state/kv/command.ts";
import { CacheMachine } from "../../../src/state/kv/machine.ts";
import {
  MEMORY_STORES,
  MemoryKvStore,
} from "../../../src/state/kv/memory/store.ts";
import { MEMORY_SPACE } from "../../../src/state/kv/snapshot/bytes.ts";
import { encodeEnvelope } from "../envelopes.ts";
import { machineContract } from "../machine_contract.ts";

machineContract({
  name: "CacheMachine in memory",
  setup: [],
  add: (n) =>
    encodeEnvelope(
      { ...NO_IDENTITY, kind: "command", clockMs: 0, timeMs: 0, seed: [0, 0] },
      (writer) =>
        writeKvCommand(writer, [{
          checks: [],
          operations: [{
            kind: "add",
            cache: "numbers",
            key: "sum",
            delta: BigInt(n),
          }],
        }]),
    ),
  sumIn: (answer) => {
    const [only] = readKvAnswers(decodeAnswer(answer).body);
    if (only?.kind !== "done") throw new Error(`not done: ${only?.kind}`);
    return Number(only.results[0]!.counter);
  },
  eventsPerAdd: 1,
  open: () =>
    Promise.resolve({
      machine: new CacheMachine({
        store: new MemoryKvStore(),
        stores: MEMORY_STORES,
        space: MEMORY_SPACE,
      }),
      recovery: { applied: ZERO_LOG_ID, config: NO_CONFIGURATION },
      remove: () => Promise.resolve(),
    }),
});
