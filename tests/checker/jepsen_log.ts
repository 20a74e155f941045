import { MalformedHistoryError } from "./history.ts";
import type { Operation } from "./operation.ts";
import type { RegisterInput, RegisterOutput } from "./register.ts";

const LINE =
  /^INFO\s+jepsen\.util - (\d+)\s+:(invoke|ok|fail|info)\s+:(read|write|cas)\s+(.+?)\s*$/;

type Call = Operation<RegisterInput, RegisterOutput>;

/**
 * Reads a register history as Jepsen's etcd test logs it. A compare-and-set that
 * `:fail`s is an answer (the register did not hold what was expected); `:info` leaves the
 * outcome open. @throws {MalformedHistoryError} naming the line.
 */
export function parseJepsenLog(text: string): Call[] {
  const calls: (Call | undefined)[] = [];
  const open = new Map<string, number>();
  text.split("\n").forEach((line, position) => {
    if (!line.includes("jepsen.util")) return;
    const match = LINE.exec(line);
    if (match === null) throw malformed(position, line);
    const [process, type, f, value] = match.slice(1) as [
      string,
      string,
      RegisterInput["f"],
      string,
    ];
    if (type === "invoke") {
      open.set(process, calls.length);
      calls.push({
        process: Number(process),
        input: inputOf(f, value),
        output: undefined,
        call: position,
        return: Infinity,
      });
      return;
    }
    const at = open.get(process);
    if (at === undefined) throw malformed(position, line);
    open.delete(process);
    if (type === "info") return;
    calls[at] = type === "fail" && f !== "cas" ? undefined : {
      ...calls[at]!,
      output: outputOf(f, type, value),
      return: position,
    };
  });
  return calls.filter((call) => call !== undefined);
}

function inputOf(f: RegisterInput["f"], value: string): RegisterInput {
  if (f === "read") return { f };
  if (f === "write") return { f, value: Number(value) };
  const [from, to] = value.slice(1, -1).split(" ").map(Number);
  return { f, from: from!, to: to! };
}

function outputOf(
  f: RegisterInput["f"],
  type: string,
  value: string,
): RegisterOutput {
  if (f === "cas") return type === "ok";
  if (f === "write") return null;
  return value === "nil" ? null : Number(value);
}

function malformed(position: number, line: string): MalformedHistoryError {
  return new MalformedHistoryError(`line ${position + 1}: ${line}`);
}
