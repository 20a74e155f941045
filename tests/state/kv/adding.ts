import { decodeAnswer } from "../../../src/state/answer.ts";
import { NO_IDENTITY } from "../../../src/state/envelope.ts";
import { readKvAnswers } from "../../../src/state/kv/answer.ts";
import { writeKvCommand } from "../../../src/state/kv/command.ts";
import { encodeEnvelope } from "../envelopes.ts";

/** Commands of the caches' machine that count in one counter, for the contract of state machines. */
export const ADDING = {
  setup: [],
  add: (n: number): Uint8Array =>
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
  sumIn: (answer: Uint8Array): number => {
    const [only] = readKvAnswers(decodeAnswer(answer).body);
    if (only?.kind !== "done") throw new Error(`not done: ${only?.kind}`);
    return Number(only.results[0]!.counter);
  },
  eventsPerAdd: 1,
};
