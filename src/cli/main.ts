import { cache, cacheHelp } from "./cache.ts";
import { cluster, clusterHelp } from "./cluster.ts";
import { dev, devHelp } from "./dev.ts";
import { generateConfig, generateConfigHelp } from "./generate_config.ts";
import { HiqliteError } from "../errors.ts";
import { serve, serveHelp } from "./serve.ts";
import type { Terminal } from "./terminal.ts";
import { UsageError } from "./arguments.ts";

interface Command {
  readonly about: string;
  run(args: readonly string[], terminal: Terminal): Promise<number>;
  /** The help of the command, or of one of its own. */
  help(command?: string): string[];
}

const COMMANDS: Readonly<Record<string, Command>> = {
  serve: { about: "Run a member", run: serve, help: serveHelp },
  "generate-config": {
    about: "Write a configuration with fresh secrets",
    run: generateConfig,
    help: generateConfigHelp,
  },
  cluster: {
    about: "Show or change a running cluster",
    run: cluster,
    help: clusterHelp,
  },
  cache: {
    about: "Read or change the caches of a running cluster",
    run: cache,
    help: cacheHelp,
  },
  dev: {
    about: "Run a cluster of real processes on this machine",
    run: dev,
    help: devHelp,
  },
};

/** Exit codes: 0 done, 1 failed, 2 wrong command line. */
export async function main(terminal: Terminal): Promise<number> {
  const [name, ...args] = terminal.args;
  if (name === "--version" || name === "-V") {
    terminal.out(`hiqlite ${terminal.version}`);
    return 0;
  }
  if (name === "--help" || name === "-h" || name === "help") {
    printHelp(args[0], terminal, args[1]);
    return 0;
  }
  const command = Object.hasOwn(COMMANDS, name ?? "") ? COMMANDS[name!] : null;
  if (!command) {
    terminal.error(
      name === undefined
        ? "hiqlite: A command is missing"
        : `hiqlite: Unknown command '${name}'`,
    );
    for (const line of help()) terminal.error(line);
    return 2;
  }
  if (args.includes("--help") || args.includes("-h")) {
    printHelp(name, terminal, args[0]);
    return 0;
  }
  try {
    return await command.run(args, terminal);
  } catch (error) {
    if (error instanceof UsageError) {
      terminal.error(`hiqlite ${name}: ${error.message}`);
      terminal.error(command.help(args[0])[0]!);
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

function printHelp(
  name: string | undefined,
  terminal: Terminal,
  subcommand: string | undefined,
): void {
  const command = Object.hasOwn(COMMANDS, name ?? "") ? COMMANDS[name!] : null;
  for (const line of command?.help(subcommand) ?? help()) terminal.out(line);
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
  ];
}
