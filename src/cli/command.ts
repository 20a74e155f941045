import type { Terminal } from "./terminal.ts";

/** A command of the program. */
export interface Command {
  readonly about: string;
  /** What it does, which is loaded when somebody wants it. */
  load(): Promise<LoadedCommand>;
}

/** What a command does. */
export interface LoadedCommand {
  /** Its exit code. @throws {UsageError} @throws {HiqliteError} */
  run(args: readonly string[], terminal: Terminal): Promise<number>;
  /** The help of the command, or of one of its own. */
  help(command?: string): string[];
}

/** Commands by name. */
export type Commands = Readonly<Record<string, Command>>;
