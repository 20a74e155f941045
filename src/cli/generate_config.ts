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
import {
  askPassword,
  chosen,
  drawPassword,
  type NewPassword,
  tellDrawn,
} from "./new_password.ts";
import type { Terminal } from "./terminal.ts";

export const GENERATE_FLAGS: Readonly<Record<string, Flag>> = {
  "config-file": {
    short: "c",
    value: "path",
    about: "Where to write; - for the terminal [~/.hiqlite/hiqlite.toml]",
  },
  force: { short: "f", about: "Replace a file that is there" },
  password: {
    short: "p",
    about: "Ask for the dashboard's password [24 random characters]",
  },
  "insecure-cookie": {
    about: "Let browsers sign in without TLS, for a test",
  },
  help: { short: "h", about: "Show this" },
};

/** The help of `hiqlite generate-config`. */
export function generateConfigHelp(): string[] {
  return [
    "Usage: hiqlite generate-config [options] [-p [password]]",
    "",
    "Writes a configuration with fresh random secrets, a password of the dashboard",
    "and a key for backups, and every default spelled out, readable by its owner",
    "only. The password is shown once; the file has its hash. One that stands behind",
    "-p is for tests: others on this machine can see it there.",
    "",
    "Options:",
    ...describeFlags(GENERATE_FLAGS),
  ];
}

/** Writes a configuration file. */
export async function generateConfig(
  args: readonly string[],
  terminal: Terminal,
): Promise<number> {
  const { flags, positionals: [given, unexpected] } = parseFlags(
    args,
    GENERATE_FLAGS,
  );
  if (given !== undefined && (unexpected ?? !flags.has("password"))) {
    throw new UsageError(`Unexpected argument '${unexpected ?? given}'`);
  }
  const path = flags.get("config-file")?.[0] ?? defaultConfigPath(terminal.env);
  if (path === undefined) {
    throw new UsageError(
      "There is no home folder; say where with --config-file",
    );
  }
  const password = await passwordOf(flags.has("password"), given, terminal);
  // Loaded when it is needed: no other command hashes.
  const { hashPassword } = await import("../password/argon2.ts");
  const key = newKey();
  const toml = generateToml({
    password_dashboard: await hashPassword(password.text),
    ...(flags.has("insecure-cookie") ? { insecure_cookie: true } : {}),
    enc_keys: [`${key.id}/${key.base64}`],
    enc_key_active: key.id,
  });
  if (path === "-") {
    terminal.out(toml.trimEnd());
    tellDrawn(password, terminal.error);
    return 0;
  }
  write(path, toml, flags.has("force"));
  terminal.out(`Wrote ${path}. Start with: hiqlite serve -c ${path}`);
  tellDrawn(password, terminal.out);
  return 0;
}

function passwordOf(
  asked: boolean,
  given: string | undefined,
  terminal: Terminal,
): NewPassword | Promise<NewPassword> {
  if (given !== undefined) return chosen(given);
  return asked ? askPassword(terminal) : drawPassword();
}

/** A key that backups are sealed with. */
function newKey(): { readonly id: string; readonly base64: string } {
  const random = (bytes: number) =>
    crypto.getRandomValues(new Uint8Array(bytes));
  return { id: random(6).toHex(), base64: random(32).toBase64() };
}

function write(path: string, toml: string, force: boolean): void {
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    // A replaced file would keep its mode, so it goes first.
    if (force && !Deno.lstatSync(path).isDirectory) Deno.removeSync(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw failure(path, error);
  }
  try {
    Deno.writeTextFileSync(path, toml, { createNew: true, mode: 0o600 });
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
