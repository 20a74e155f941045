/** How important a log line is. */
export type LogLevel = "debug" | "info" | "warn" | "error";

/** Extra facts of a log line. Never put secrets or SQL parameters in. */
export type LogFields = Readonly<
  Record<string, string | number | boolean | undefined>
>;

/** Where log lines go. */
export type LogSink = (
  line: { level: LogLevel; message: string; fields: LogFields },
) => void;

const RANK: Record<LogLevel, number> = { debug: 0, info: 1, warn: 2, error: 3 };

/** A levelled logger that hands lines to a sink. */
export class Logger {
  readonly #level: LogLevel;
  readonly #sink: LogSink;
  readonly #fields: LogFields;

  /** Passes on lines of `level` and above. */
  constructor(level: LogLevel, sink: LogSink, fields: LogFields = {}) {
    this.#level = level;
    this.#sink = sink;
    this.#fields = fields;
  }

  /** A logger that adds `fields` to every line. */
  with(fields: LogFields): Logger {
    return new Logger(this.#level, this.#sink, { ...this.#fields, ...fields });
  }

  /** Details for developers. */
  debug(message: string, fields?: LogFields): void {
    this.#write("debug", message, fields);
  }
  /** Normal events. */
  info(message: string, fields?: LogFields): void {
    this.#write("info", message, fields);
  }
  /** Something an operator should look at. */
  warn(message: string, fields?: LogFields): void {
    this.#write("warn", message, fields);
  }
  /** Something failed. */
  error(message: string, fields?: LogFields): void {
    this.#write("error", message, fields);
  }

  #write(level: LogLevel, message: string, fields?: LogFields): void {
    if (RANK[level] < RANK[this.#level]) return;
    this.#sink({ level, message, fields: { ...this.#fields, ...fields } });
  }
}

/** A logger that drops everything. */
export const silentLogger: Logger = new Logger("error", () => {});
