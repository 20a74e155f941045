import { connect } from "../../client/remote.ts";
import {
  countOf,
  describeFlags,
  type Flag,
  parseFlags,
  valueOf,
} from "../arguments.ts";
import { REACH_FLAGS, reachable } from "../reachable.ts";
import type { Terminal } from "../terminal.ts";
import { History } from "./history.ts";
import { Output } from "./output.ts";
import { Repl } from "./repl.ts";
import { freshSettings, MODES } from "./settings.ts";
import { ShellRun } from "./shell_run.ts";
import { ShellSession } from "./shell_session.ts";

/** Longest wait for a statement, s. */
const TIMEOUT_S = 30;

const FLAGS: Readonly<Record<string, Flag>> = {
  write: { about: "Statements may write" },
  mode: { value: "mode", about: `${MODES.join(", ")} [box; in a pipe list]` },
  "keep-going": { about: "Go on behind an error, in a pipe too" },
  ...REACH_FLAGS,
  timeout: {
    value: "seconds",
    about: `Longest wait for a statement [${TIMEOUT_S}]`,
  },
  help: { short: "h", about: "Show this" },
};

/** The help of `hiqlite shell`. */
export function shellHelp(): string[] {
  return [
    "Usage: hiqlite shell [options] [SQL or .command...]",
    "",
    "Run SQL on a cluster: what is typed, what comes through a pipe, or the arguments.",
    "A statement ends with ';'. .help shows the commands that begin with a dot.",
    "Statements between BEGIN and COMMIT are sent together, and happen all or not.",
    "",
    "Options:",
    ...describeFlags(FLAGS),
    "",
    "Exit codes: 0 done, 1 a statement failed, 2 wrong use, 3 nobody was reached",
    "or leads. In a pipe the first error ends it.",
  ];
}

/** Runs SQL on a running cluster. */
export async function shell(
  args: readonly string[],
  terminal: Terminal,
): Promise<number> {
  const { flags, positionals } = parseFlags(args, FLAGS);
  const typed = positionals.length === 0 && terminal.input.typed;
  const members = reachable(flags, terminal);
  const settings = freshSettings(typed, flags.has("write"));
  const session = new ShellSession({
    settings,
    output: new Output((line) => terminal.out(line)),
    say: (line) => terminal.error(line),
    reach: (url) =>
      connect(url === undefined ? members : { ...members, urls: [url] }),
    timeoutMs: 1000 * (countOf(flags, "timeout") ?? TIMEOUT_S),
  });
  const run = new ShellRun(session, !typed && !flags.has("keep-going"));
  const mode = valueOf(flags, "mode");
  try {
    if (mode !== undefined) await run.line(`.mode ${mode}`);
    if (typed) return await talk(run, terminal);
    await follow(run, positionals, terminal);
    return run.code;
  } finally {
    await session.close();
  }
}

/** With a person: an error was shown when it happened, so that the end is a good one. */
async function talk(run: ShellRun, terminal: Terminal): Promise<number> {
  terminal.out(
    `hiqlite ${terminal.version}: .help shows the commands, Ctrl-D ends${
      run.session.settings.write ? "" : "; .write on allows changes"
    }`,
  );
  await new Repl(run, History.of(terminal.env)).start();
  return 0;
}

/** Without one. */
async function follow(
  run: ShellRun,
  texts: readonly string[],
  terminal: Terminal,
): Promise<void> {
  const release = terminal.onStop(() => run.session.cancel());
  try {
    for (const text of texts) {
      if (!run.quitted) await run.text(text);
    }
    if (texts.length === 0) {
      for await (const line of terminal.input.lines()) {
        await run.line(line);
        if (run.quitted) break;
      }
    }
    await run.end();
  } finally {
    release();
  }
}
