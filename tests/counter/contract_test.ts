import { decodeAnswer } from "../../src/state/answer.ts";
import { NO_IDENTITY } from "../../src/state/envelope.ts";
import { NO_CONFIGURATION, ZERO_LOG_ID } from "../../src/raft/types.ts";
import { encodeEnvelope } from "../state/envelopes.ts";
import { machineContract } from "../state/machine_contract.ts";
import { CounterMachine } from "./machine.ts";
import { readSum, writeAdd } from "./state.ts";

machineContract({
  name: "CounterMachine",
  setup: [],
  add: (n) =>
    encodeEnvelope(
      { ...NO_IDENTITY, kind: "command", clockMs: 0, timeMs: 0, seed: [0, 0] },
      (writer) => writeAdd(writer, n),
    ),
  sumIn: (answer) => readSum(decodeAnswer(answer).body),
  eventsPerAdd: 1,
  open: () =>
    Promise.resolve({
      machine: new CounterMachine(),
      recovery: { applied: ZERO_LOG_ID, config: NO_CONFIGURATION },
      remove: () => Promise.resolve(),
    }),
});
