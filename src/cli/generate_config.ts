import { dirname } from "node:path";
import { mkdirSync } from "node:fs";
import {
  describeFlags,
  type Flag,
  parseFlags,
  UsageError,
} from "./arguments.ts";
import { defaultConfigPath } from "./config_file.ts";
import { generateToml } from "../config/describe.ts";
import { HiqliteError } from "../errors.ts";
import type { Terminal } from "./terminal.ts";

export const GENERATE_FLAGS: Readonly<Record<string, Flag>> = {
  "config-file": {
    short: "c",
    value: "path",
    about: "Where to write; - for the terminal [~/.hiqlite/hiqlite.toml]",
  },
  force: { short: "f", about: "Replace a file that is there" },
  help: { short: "h", about: "Show this" },
};

/** The help of `hiqlite generate-config`. */
export function generateConfigHelp(): string[] {
  return [
    "Usage: hiqlite generate-config [options]",
    "",
    "Writes a configuration with fresh random secrets and every default spelled",
    "out, readable by its owner only.",
    "",
    "Options:",
    ...describeFlags(GENERATE_FLAGS),
  ];
}

/** Writes a configuration file. */
export function generateConfig(
  args: readonly string[],
  terminal: Terminal,
): Promise<number> {
  const { flags, positionals } = parseFlags(args, GENERATE_FLAGS);
  if (positionals.length > 0) {
    throw new UsageError(`Unexpected argument '${positionals[0]}'`);
  }
  const path = flags.get("config-file")?.[0] ?? defaultConfigPath(terminal.env);
  if (path === undefined) {
    throw new UsageError(
      "There is no home folder; say where with --config-file",
    );
  }
  if (path === "-") {
    terminal.out(generateToml().trimEnd());
    return Promise.resolve(0);
  }
  write(path, flags.has("force"));
  terminal.out(`Wrote ${path}. Start with: hiqlite serve -c ${path}`);
  return Promise.resolve(0);
}

function write(path: string, force: boolean): void {
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    // A replaced file would keep its mode, so it goes first.
    if (force && !Deno.lstatSync(path).isDirectory) Deno.removeSync(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw failure(path, error);
  }
  try {
    Deno.writeTextFileSync(path, generateToml(), {
      createNew: true,
      mode: 0o600,
    });
  } catch (error) {
    if (error instanceof Deno.errors.AlreadyExists) {
      throw new HiqliteError(
        "config",
        `${path} is there already; --force replaces it and its secrets`,
      );
    }
    throw failure(path, error);
  }
}

function failure(path: string, cause: unknown): HiqliteError {
  return new HiqliteError(
    "storage",
    `Cannot write ${path}: ${cause instanceof Error ? cause.message : cause}`,
    { cause },
  );
}
