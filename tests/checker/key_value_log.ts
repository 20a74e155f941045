import { MalformedHistoryError } from "./history.ts";
import type { KeyValueInput, KeyValueOutput } from "./key_value.ts";
import type { Operation } from "./operation.ts";

const LINE =
  /^\{:process (\d+), :type :(invoke|ok), :f :(get|put|append), :key "([^"]*)", :value (nil|"[^"]*")\}\s*$/;

type Call = Operation<KeyValueInput, KeyValueOutput>;

/** Reads a key/value history with one EDN map per line. @throws {MalformedHistoryError} naming the line. */
export function parseKeyValueLog(text: string): Call[] {
  const calls: Call[] = [];
  const open = new Map<string, number>();
  text.split("\n").forEach((line, position) => {
    if (line.trim() === "") return;
    const match = LINE.exec(line);
    const [process, type, f, key, quoted] = (match?.slice(1) ?? []) as [
      string,
      string,
      KeyValueInput["f"],
      string,
      string,
    ];
    const at = open.get(process);
    if (match === null || (type === "ok") !== (at !== undefined)) {
      throw new MalformedHistoryError(`line ${position + 1}: ${line}`);
    }
    const value = quoted === "nil" ? "" : quoted.slice(1, -1);
    if (at !== undefined) {
      open.delete(process);
      calls[at] = { ...calls[at]!, output: value, return: position };
      return;
    }
    open.set(process, calls.length);
    calls.push({
      process: Number(process),
      input: f === "get" ? { f, key } : { f, key, value },
      output: undefined,
      call: position,
      return: Infinity,
    });
  });
  return calls;
}
