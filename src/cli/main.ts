import { backup, backupHelp } from "./backup.ts";
import { cache, cacheHelp } from "./cache.ts";
import { changes, changesHelp } from "./changes.ts";
import { cluster, clusterHelp } from "./cluster.ts";
import type { Commands } from "./command.ts";
import { commandsIn, completions, completionsHelp } from "./completions.ts";
import { dev, devHelp } from "./dev.ts";
import { generate, generateHelp } from "./generate/generate.ts";
import { generateConfig, generateConfigHelp } from "./generate_config.ts";
import { healthcheck, healthcheckHelp } from "./healthcheck.ts";
import { lock, lockHelp } from "./lock.ts";
import { HiqliteError } from "../errors.ts";
import { password, passwordHelp } from "./password.ts";
import { proxy, proxyHelp } from "./proxy.ts";
import { restore, restoreHelp } from "./restore.ts";
import { serve, serveHelp } from "./serve.ts";
import { shell, shellHelp } from "./shell/shell.ts";
import type { Terminal } from "./terminal.ts";
import { openDashboard, openHelp } from "./open.ts";
import { tls, tlsHelp } from "./tls.ts";
import { listenHelp, listenTo, notify, notifyHelp } from "./topics.ts";
import { token, tokenHelp } from "./token.ts";
import { meant, UnknownCommandError, UsageError } from "./arguments.ts";

const COMMANDS: Commands = {
  serve: { about: "Run a member", run: serve, help: serveHelp },
  proxy: {
    about: "Take requests to whichever member can answer them",
    run: proxy,
    help: proxyHelp,
  },
  "generate-config": {
    about: "Write a configuration with fresh secrets",
    run: generateConfig,
    help: generateConfigHelp,
  },
  password: {
    about: "Print the hash of a password for the dashboard",
    run: password,
    help: passwordHelp,
  },
  healthcheck: {
    about: "Ask the member of this machine how it is",
    run: healthcheck,
    help: healthcheckHelp,
  },
  shell: {
    about: "Run SQL on a running cluster",
    run: shell,
    help: shellHelp,
  },
  cluster: {
    about: "Show or change a running cluster",
    run: cluster,
    help: clusterHelp,
  },
  backup: {
    about: "Take backups, and look after those that were taken",
    run: backup,
    help: backupHelp,
  },
  restore: {
    about: "Begin a new cluster with a backup, on a stopped member",
    run: restore,
    help: restoreHelp,
  },
  cache: {
    about: "Read or change the caches of a running cluster",
    run: cache,
    help: cacheHelp,
  },
  changes: {
    about: "Show which tables of a running cluster change",
    run: changes,
    help: changesHelp,
  },
  notify: { about: "Publish an event", run: notify, help: notifyHelp },
  listen: {
    about: "Show events as they are published",
    run: listenTo,
    help: listenHelp,
  },
  lock: {
    about: "Show or take away the locks of a running cluster",
    run: lock,
    help: lockHelp,
  },
  token: {
    about: "Make, show or revoke tokens of the API",
    run: token,
    help: tokenHelp,
  },
  open: {
    about: "Print an address that signs in to the dashboard, once",
    run: openDashboard,
    help: openHelp,
  },
  tls: {
    about: "Show by whom automatic certificates are verified",
    run: tls,
    help: tlsHelp,
  },
  dev: {
    about: "Run a cluster of real processes on this machine",
    run: dev,
    help: devHelp,
  },
  generate: {
    about:
      "Print manifests, units, a dashboard for Grafana, alerts for Prometheus",
    run: generate,
    help: generateHelp,
  },
  completions: {
    about: "Print a script that completes commands in a shell",
    run: (args, terminal) => completions(args, terminal, COMMANDS),
    help: completionsHelp,
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
        : `hiqlite: Unknown command '${name}'${
          meant(name, Object.keys(COMMANDS))
        }`,
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
      const known = commandsIn(command.help()).map(({ name }) => name);
      const which = error instanceof UnknownCommandError
        ? meant(error.given, known)
        : "";
      terminal.error(`hiqlite ${name}: ${error.message}${which}`);
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
    "",
    "Exit codes: 0 done, 1 failed, 2 wrong use; the help of a command names others",
  ];
}
