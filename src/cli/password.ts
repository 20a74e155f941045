import {
  describeFlags,
  type Flag,
  parseFlags,
  UsageError,
} from "./arguments.ts";
import { askPassword, drawPassword, tellDrawn } from "./new_password.ts";
import type { Terminal } from "./terminal.ts";

const FLAGS: Readonly<Record<string, Flag>> = {
  random: { short: "r", about: "Draw 24 characters instead of asking" },
  help: { short: "h", about: "Show this" },
};

/** The help of `hiqlite password`. */
export function passwordHelp(): string[] {
  return [
    "Usage: hiqlite password [options]",
    "",
    "Prints the hash of a password for HQL_PASSWORD_DASHBOARD or",
    "HQL_PASSWORD_DASHBOARD_VIEWER: the base64 of an argon2id hash, as Hiqlite has",
    "it. Asks for the password twice; through a pipe it is the first line. Nothing",
    "typed: 24 random characters, shown once.",
    "",
    "Options:",
    ...describeFlags(FLAGS),
  ];
}

/** Prints the hash of a new password, and nothing else on standard output. */
export async function password(
  args: readonly string[],
  terminal: Terminal,
): Promise<number> {
  const { flags, positionals } = parseFlags(args, FLAGS);
  if (positionals.length > 0) {
    throw new UsageError(
      "Unexpected argument: a password in the command line would be seen by others; it is asked for",
    );
  }
  const made = flags.has("random")
    ? drawPassword()
    : await askPassword(terminal);
  // Loaded when it is needed: no other command hashes.
  const { hashPassword } = await import("../password/argon2.ts");
  const hash = await hashPassword(made.text);
  tellDrawn(made, terminal.error);
  terminal.out(hash);
  return 0;
}
