import type { LogLevel, LogSink } from "../util/logger.ts";

/** What a command may do to the process it runs in. */
export interface Terminal {
  /** Arguments behind the program's name. */
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly version: string;
  /** Someone reads the messages on a terminal. */
  readonly interactive: boolean;
  /** Writes a line of the result. */
  out(line: string): void;
  /** Writes a line for people: messages, problems, the log. */
  error(line: string): void;
  /** Calls `stop` for SIGINT and SIGTERM until the returned function is called. */
  onStop(stop: (signal: string) => void): () => void;
  /** Ends the process at once. */
  exit(code: number): never;
}

/** How log lines look. */
export type LogFormat = "human" | "json";

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
        : humanLine(time, level, message, fields),
    );
  };
}

function humanLine(
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
    // deno-lint-ignore no-control-regex
    .replaceAll(/[\x00-\x08\x0b-\x1f\x7f]/g, "?");
  return `${time.slice(11, 23)} ${level.toUpperCase().padEnd(5)} ${text}`;
}
