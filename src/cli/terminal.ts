import type { LogLevel, LogSink } from "../util/logger.ts";

/** What is typed, or comes through a pipe. */
export interface TerminalInput {
  /** A person types, and sees what is printed. */
  readonly typed: boolean;
  /** Lines without their ends, until the input ends. */
  lines(): AsyncIterable<string>;
  /** Asks for a line that is not shown while it is typed, null if that is given up; null if nobody types. */
  readonly hidden: ((prompt: string) => Promise<string | null>) | null;
}

/** What a command may do to the process it runs in. */
export interface Terminal {
  /** Arguments behind the program's name. */
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly version: string;
  /** Someone reads the messages on a terminal. */
  readonly interactive: boolean;
  readonly input: TerminalInput;
  /** Writes a line of the result. */
  out(line: string): void;
  /** Writes a line for people: messages, problems, the log. */
  error(line: string): void;
  /** Calls `stop` for SIGINT and SIGTERM until the returned function is called. */
  onStop(stop: (signal: string) => void): () => void;
  /** Calls `reload` for SIGHUP until the returned function is called. */
  onReload(reload: () => void): () => void;
  /** Ends the process at once. */
  exit(code: number): never;
}

/** How log lines look. */
export type LogFormat = "text" | "json";

/** A sink that writes one line per event: for people, or as JSON for machines. */
export function logLines(
  format: LogFormat,
  write: (line: string) => void,
  now: () => Date = () => new Date(),
): LogSink {
  return ({ level, message, fields }) => {
    const time = now().toISOString();
    write(
      format === "json"
        ? JSON.stringify({ time, level, message, ...fields })
        : textLine(time, level, message, fields),
    );
  };
}

/** What would move a terminal's cursor, or show a line in another order than it has. */
export const UNSEEN =
  // deno-lint-ignore no-control-regex
  /[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

function textLine(
  time: string,
  level: LogLevel,
  message: string,
  fields: Readonly<Record<string, unknown>>,
): string {
  const facts = Object.entries(fields)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => ` ${name}=${value}`).join("");
  // Text from outside must not look like a line of ours.
  const text = `${message}${facts}`.replaceAll(/[\n\r]+/g, " | ")
    .replaceAll(UNSEEN, (character) => character === "\t" ? "\t" : "?");
  return `${time.slice(11, 23)} ${level.toUpperCase().padEnd(5)} ${text}`;
}

/** How log lines look on a terminal, or elsewhere, if nothing else is said. */
export function logFormatOf(
  format: LogFormat | "auto",
  { interactive }: Pick<Terminal, "interactive">,
): LogFormat {
  if (format !== "auto") return format;
  return interactive ? "text" : "json";
}
