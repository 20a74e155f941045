import { hashAnswer } from "../../../src/state/answer.ts";
import { readKvAnswers } from "../../../src/state/kv/answer.ts";
import {
  readKvCommand,
  writeKvCommand,
} from "../../../src/state/kv/command.ts";
import type { KvUnit } from "../../../src/state/kv/types.ts";
import type { Operation } from "../command.ts";
import type { Dialect, Outcome } from "../dialect.ts";
import { judge } from "./judge.ts";
import { CacheModel } from "./model.ts";
import { companyOf, isCounter, isFleeting, mainUnit } from "./units.ts";

/** Of a value that may be gone at any time. */
const FLEETING = "~";
/** How a write is answered for which there is no room. */
const FULL = "full";

/**
 * Caches. A client's operation is one unit of an entry; the first one says whose attempt it is, others
 * do whatever else caches can do. The clients' story knows no time: what has a time to live may be
 * gone whenever they look. {@linkcode judge} knows the time of each entry.
 */
export function cacheDialect(seed: number): Dialect {
  return {
    write: (writer, operation, { attempt, padding }) => {
      const { units, maxBytes } = companyOf(seed, attempt, padding);
      const all = [markUnit(attempt), mainUnit(operation), ...units];
      writeKvCommand(writer, all, maxBytes);
    },
    attemptOf: (body) => {
      const [mark] = readKvCommand(body);
      const [first] = mark!.operations;
      if (first?.kind !== "setCounter") throw new Error("no mark");
      return Number(first.value);
    },
    valueOf,
    operate: (operation, before) => outcomes(operation, before)[0]!,
    outcomes,
    hash: (answer) => hashAnswer(answer, (_, start) => start),
    model: (bytes) => new CacheModel(bytes),
    judge,
    close: () => {},
  };
}

function markUnit(attempt: number): KvUnit {
  return {
    checks: [],
    operations: [{
      kind: "setCounter",
      cache: "marks",
      key: "attempt",
      value: BigInt(attempt),
    }],
  };
}

/** What was there, or the counter's value; nothing for neither. */
function valueOf(body: Uint8Array): string {
  const answer = readKvAnswers(body)[1]!;
  switch (answer.kind) {
    case "conflict":
      return "conflict";
    case "refused":
      return FULL;
    case "done": {
      const [result] = answer.results;
      if (result === undefined) return "";
      const { previous, counter } = result;
      if (previous !== null) return new TextDecoder().decode(previous.bytes);
      return counter === 0n ? "" : String(counter);
    }
  }
}

/** All that may become of a key's value. */
function outcomes(operation: Operation, before: string): Outcome[] {
  const present = before.endsWith(FLEETING) ? [before, ""] : [before];
  return present.flatMap((value) => {
    // A read of a counter through the log creates it.
    const full = { value, answer: FULL };
    return [...outcome(operation, value), full];
  });
}

function outcome(operation: Operation, before: string): Outcome[] {
  const was = before.replace(FLEETING, "");
  switch (operation.kind) {
    case "poison":
      return [];
    case "read":
      // One that goes through the log says nothing of an entry but that it is there.
      return [
        { value: before, answer: was },
        ...(isCounter(operation.key) ? [] : [{
          value: before,
          answer: before === "" ? "" : "conflict",
        }]),
      ];
    case "put":
      return [{ value: written(operation.value), answer: was }];
    case "cas": {
      if (was !== String(operation.expected)) {
        return [{ value: before, answer: "conflict" }];
      }
      const keeps = operation.value % 2 !== 0 && before !== was;
      const value = String(operation.value) + (keeps ? FLEETING : "");
      return [{ value, answer: "" }];
    }
    case "append": {
      const { key, value } = operation;
      if (isCounter(key)) {
        const sum = String(Number(was) + value);
        return [{ value: sum, answer: sum }];
      }
      if (value % 2 === 0) return [{ value: "", answer: was }];
      return was === ""
        ? [{ value: written(value), answer: "" }]
        : [{ value: before, answer: "conflict" }];
    }
  }
}

function written(value: number): string {
  return String(value) + (isFleeting(value) ? FLEETING : "");
}
