import type { Operation } from "./operation.ts";

/** How an operation begins and ends. `info`: nobody knows whether it took effect. */
export type EventType = "invoke" | "ok" | "fail" | "info";

/** One line of a recorded history. */
export interface HistoryEvent<Value = unknown> {
  /** A logical client with at most one operation at a time; after `info` it does nothing any more. */
  readonly process: number;
  readonly type: EventType;
  /** The operation's name. */
  readonly f: string;
  readonly key?: string;
  /** The argument of an invocation, the answer of an `ok`. */
  readonly value: Value;
  /** Monotonic milliseconds; the order of lines is what counts. */
  readonly time: number;
  /** The member that was asked. */
  readonly node?: number;
  /** Why it failed or is unknown. */
  readonly error?: string;
}

/** An invocation with the event that ended it. */
export interface Completed<Value = unknown> {
  readonly invoke: HistoryEvent<Value>;
  /** Undefined when the history ends before the answer. */
  readonly end: HistoryEvent<Value> | undefined;
  /** Position of the invocation. */
  readonly call: number;
  /** Position of the answer; Infinity for `info` and for none. */
  readonly return: number;
}

/** Thrown for a history that no recorder can have written. */
export class MalformedHistoryError extends Error {
  override readonly name = "MalformedHistoryError";
}

const TYPES: ReadonlySet<unknown> = new Set(["invoke", "ok", "fail", "info"]);

/** Reads newline-delimited JSON. @throws {MalformedHistoryError} naming the line. */
export function parseHistory(text: string): HistoryEvent[] {
  const events: HistoryEvent[] = [];
  text.split("\n").forEach((line, index) => {
    if (line.trim() === "") return;
    const event = parseLine(line);
    if (event === undefined) {
      throw new MalformedHistoryError(`line ${index + 1} is no event: ${line}`);
    }
    events.push(event);
  });
  return events;
}

function parseLine(line: string): HistoryEvent | undefined {
  let event: Partial<HistoryEvent> | null;
  try {
    event = JSON.parse(line);
  } catch {
    return undefined;
  }
  const valid = typeof event === "object" && event !== null &&
    Number.isInteger(event.process) && TYPES.has(event.type) &&
    typeof event.f === "string" && typeof event.time === "number";
  return valid ? event as HistoryEvent : undefined;
}

/** One event as a line, without the newline. */
export function formatEvent(event: HistoryEvent): string {
  return JSON.stringify(event);
}

/** Pairs invocations with their ends, in order of invocation. @throws {MalformedHistoryError} */
export function pairEvents<Value>(
  events: readonly HistoryEvent<Value>[],
): Completed<Value>[] {
  const pairs: {
    -readonly [K in keyof Completed<Value>]: Completed<Value>[K];
  }[] = [];
  const open = new Map<number, number>();
  events.forEach((event, position) => {
    const at = open.get(event.process);
    if (event.type === "invoke") {
      if (at !== undefined) {
        throw new MalformedHistoryError(
          `process ${event.process} invokes twice without an answer at event ${position}`,
        );
      }
      open.set(event.process, pairs.length);
      pairs.push({
        invoke: event,
        end: undefined,
        call: position,
        return: Infinity,
      });
      return;
    }
    if (at === undefined) {
      throw new MalformedHistoryError(
        `process ${event.process} has an answer without an invocation at event ${position}`,
      );
    }
    open.delete(event.process);
    const pair = pairs[at]!;
    pair.end = event;
    if (event.type !== "info") pair.return = position;
  });
  return pairs;
}

/**
 * Operations for a model. Failed ones are left out, since they took no effect;
 * unknown ones stay open for ever.
 */
export function operationsOf<Value, Input, Output>(
  events: readonly HistoryEvent<Value>[],
  input: (invoke: HistoryEvent<Value>) => Input,
  output: (ok: HistoryEvent<Value>) => Output,
): Operation<Input, Output>[] {
  return pairEvents(events)
    .filter((pair) => pair.end?.type !== "fail")
    .map((pair) => ({
      process: pair.invoke.process,
      input: input(pair.invoke),
      output: pair.end?.type === "ok" ? output(pair.end) : undefined,
      call: pair.call,
      return: pair.return,
    }));
}
