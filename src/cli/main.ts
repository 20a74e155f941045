import { COMMANDS } from "./commands.ts";
import { commandsIn } from "./completions.ts";
import { HiqliteError } from "../errors.ts";
import type { Terminal } from "./terminal.ts";
import { meant, UnknownCommandError, UsageError } from "./arguments.ts";

/** Exit codes: 0 done, 1 failed, 2 wrong command line. */
export async function main(terminal: Terminal): Promise<number> {
  const [name, ...args] = terminal.args;
  if (name === "--version" || name === "-V") {
    terminal.out(`hiqlite ${terminal.version}`);
    return 0;
  }
  if (name === "--help" || name === "-h" || name === "help") {
    await printHelp(args[0], terminal, args[1]);
    return 0;
  }
  const command = Object.hasOwn(COMMANDS, name ?? "") ? COMMANDS[name!] : null;
  if (!command) {
    terminal.error(
      name === undefined
        ? "hiqlite: A command is missing"
        : `hiqlite: Unknown command '${name}'${
          meant(name, Object.keys(COMMANDS))
        }`,
    );
    for (const line of help()) terminal.error(line);
    return 2;
  }
  if (args.includes("--help") || args.includes("-h")) {
    await printHelp(name, terminal, args[0]);
    return 0;
  }
  const { run, help: helpOf } = await command.load();
  try {
    return await run(args, terminal);
  } catch (error) {
    if (error instanceof UsageError) {
      const known = commandsIn(helpOf()).map(({ name }) => name);
      const which = error instanceof UnknownCommandError
        ? meant(error.given, known)
        : "";
      terminal.error(`hiqlite ${name}: ${error.message}${which}`);
      terminal.error(helpOf(args[0])[0]!);
      terminal.error(`Try: hiqlite ${name} --help`);
      return 2;
    }
    terminal.error(`hiqlite ${name}: ${messageOf(error)}`);
    return 1;
  }
}

/** What a person can act on; the stack only for a defect. */
function messageOf(error: unknown): string {
  if (error instanceof HiqliteError && error.code !== "internal") {
    return error.message;
  }
  return error instanceof Error ? error.stack ?? error.message : String(error);
}

async function printHelp(
  name: string | undefined,
  terminal: Terminal,
  subcommand: string | undefined,
): Promise<void> {
  const command = Object.hasOwn(COMMANDS, name ?? "") ? COMMANDS[name!]! : null;
  const lines = command === null
    ? help()
    : (await command.load()).help(subcommand);
  for (const line of lines) terminal.out(line);
}

function help(): string[] {
  return [
    "Usage: hiqlite <command> [options]",
    "",
    "A SQLite database replicated with Raft.",
    "",
    "Commands:",
    ...Object.entries(COMMANDS).map(([name, { about }]) =>
      `  ${name.padEnd(17)}${about}`
    ),
    "",
    "Options:",
    "  -h, --help       Show this, or the help of a command",
    "  -V, --version    Show the version",
    "",
    "Exit codes: 0 done, 1 failed, 2 wrong use; the help of a command names others",
  ];
}
