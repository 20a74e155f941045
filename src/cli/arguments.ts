import { parseArgs } from "node:util";
import { closest } from "../config/tables.ts";

/** The command line is wrong: usage is shown and the process ends with 2. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** A command of a command is not known; whoever has its help says which was meant. */
export class UnknownCommandError extends UsageError {
  /** `given` belongs to the command `parent`. */
  constructor(parent: string, readonly given: string) {
    super(`Unknown command '${parent} ${given}'`);
  }
}

/** What was probably meant, as the end of a sentence; nothing if that is not clear. */
export function meant(given: string, known: Iterable<string>): string {
  const found = closest(given, known);
  return found === undefined ? "" : `; did you mean '${found}'?`;
}

/** A flag of a command. */
export interface Flag {
  readonly short?: string;
  /** What stands behind it in the help; without it the flag is a switch. */
  readonly value?: string;
  /** May be given more than once. */
  readonly multiple?: boolean;
  /** One line of help; without it the flag is not shown. */
  readonly about?: string;
}

/** Flags as given. */
export interface Parsed {
  /** The values of a flag, in order; a switch that is on has one empty value. */
  readonly flags: ReadonlyMap<string, readonly string[]>;
  readonly positionals: readonly string[];
}

/** Reads a command line strictly. @throws {UsageError} */
export function parseFlags(
  args: readonly string[],
  flags: Readonly<Record<string, Flag>>,
): Parsed {
  const options = Object.fromEntries(
    Object.entries(flags).map(([name, flag]) => [name, {
      type: flag.value === undefined ? "boolean" as const : "string" as const,
      multiple: true,
      ...(flag.short === undefined ? {} : { short: flag.short }),
    }]),
  );
  let parsed;
  try {
    parsed = parseArgs({
      args: [...args],
      options,
      allowPositionals: true,
      strict: true,
    });
  } catch (error) {
    // The rest of Node's sentences is advice on `--`, with quotes that no shell needs.
    const [what = ""] = (error as Error).message.split(". ");
    const unknown = /^Unknown option '--(.+)'$/.exec(what)?.[1];
    const known = Object.keys(flags).map((name) => `--${name}`);
    throw new UsageError(
      unknown !== undefined
        ? what + meant(`--${unknown}`, known)
        : /^Unknown option '-[^-]/.test(what)
        ? `${what}; a value that begins with '-' stands behind '--'`
        : what,
    );
  }
  const given = new Map<string, readonly string[]>();
  for (const [name, value] of Object.entries(parsed.values)) {
    const values = (value as (string | boolean)[]).map((one) =>
      one === true ? "" : String(one)
    );
    if (values.length > 1 && flags[name]!.multiple !== true) {
      throw new UsageError(`Option '--${name}' is given twice`);
    }
    given.set(name, values);
  }
  return { flags: given, positionals: parsed.positionals };
}

/** The value of a flag that is given once at most. */
export function valueOf(
  flags: Parsed["flags"],
  name: string,
): string | undefined {
  return flags.get(name)?.[0];
}

/** The value of a flag that is a whole number from 1 to `most`. @throws {UsageError} */
export function countOf(
  flags: Parsed["flags"],
  name: string,
  most = 9_999_999_999_999,
): number | undefined {
  const text = valueOf(flags, name);
  if (text === undefined) return undefined;
  if (/^[1-9]\d*$/.test(text) && Number(text) <= most) return Number(text);
  throw new UsageError(
    `--${name} is a whole number from 1 to ${most}, not '${text}'`,
  );
}

/** The lines of help on flags. */
export function describeFlags(
  flags: Readonly<Record<string, Flag>>,
): string[] {
  const shown = Object.entries(flags).filter(([, flag]) => flag.about);
  const names = shown.map(([name, flag]) => {
    const short = flag.short === undefined ? "    " : `-${flag.short}, `;
    return `  ${short}--${name}${
      flag.value === undefined ? "" : ` <${flag.value}>`
    }`;
  });
  const width = Math.max(...names.map((name) => name.length)) + 2;
  return names.map((name, at) => name.padEnd(width) + shown[at]![1].about);
}

/** Of a command that takes flags only. @throws {UsageError} with the first argument, if there is one. */
export function refuseArguments(positionals: readonly string[]): void {
  const [unexpected] = positionals;
  if (unexpected !== undefined) {
    throw new UsageError(`Unexpected argument '${unexpected}'`);
  }
}
