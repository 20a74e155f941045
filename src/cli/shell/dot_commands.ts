import { readFileSync } from "node:fs";
import { HiqliteError } from "../../errors.ts";
import { statusLines } from "../cluster_table.ts";
import { eventLine } from "../event_line.ts";
import { UsageError } from "../arguments.ts";
import { dump } from "./dump.ts";
import { importCsv } from "./import_csv.ts";
import { schemaOf } from "./schema.ts";
import { MODES, type RowMode } from "./settings.ts";
import type { ShellSession } from "./shell_session.ts";

/** What a dot-command works with. */
export interface CommandContext {
  readonly session: ShellSession;
  /** Runs the lines of a text as if they were typed. */
  run(text: string): Promise<void>;
  /** Ends the shell. */
  quit(): void;
}

interface DotCommand {
  /** Its arguments, as the help shows them. */
  readonly takes: string;
  readonly about: string;
  run(context: CommandContext, args: readonly string[]): Promise<void> | void;
}

/** All of them, by name. */
export const DOT_COMMANDS: Readonly<Record<string, DotCommand>> = {
  consistency: {
    takes: "local|linearizable",
    about: "What queries must see",
    run: ({ session }, [value]) => {
      session.settings.consistency = oneOf(value, ["local", "linearizable"]);
    },
  },
  dump: {
    takes: "[TABLE...]",
    about: "SQL that makes the tables again",
    async run({ session }, tables) {
      for await (const line of dump(session, tables)) {
        session.output.write([line]);
      }
    },
  },
  events: {
    takes: "[TOPIC...]",
    about: "Show events as they are published, until Ctrl-C",
    async run({ session }, topics) {
      const { signal } = session;
      const heard = session.client.listen({
        topics: topics.length === 0 ? ["*"] : topics,
        signal,
      });
      for await (const update of heard) {
        session.output.write([eventLine(update)]);
      }
    },
  },
  headers: {
    takes: "on|off",
    about: "Names of columns above the rows",
    run: ({ session }, [value]) => {
      session.settings.headers = onOff(value);
    },
  },
  help: {
    takes: "",
    about: "Show this",
    run: ({ session }) => session.output.write(helpLines()),
  },
  import: {
    takes: "FILE TABLE",
    about: "Put the records of a CSV file into a table",
    async run({ session }, [file, table]) {
      const rows = await importCsv(
        session,
        needed(file, "The file"),
        needed(table, "The table"),
      );
      session.say(`${rows} rows were imported into ${table}`);
    },
  },
  indexes: {
    takes: "[TABLE]",
    about: "Names of indexes",
    async run({ session }, [table]) {
      const items = await schemaOf(session, table);
      session.output.write(
        items.filter(({ type }) => type === "index").map(({ name }) => name),
      );
    },
  },
  leader: {
    takes: "",
    about: "Who leads",
    async run({ session }) {
      const { leader, members } = await session.client.cluster();
      const found = members.find(({ id }) => id === leader);
      session.output.write([
        found === undefined
          ? "unknown"
          : `node ${found.nodeId} at ${found.apiAddress}`,
      ]);
    },
  },
  mode: {
    takes: MODES.join("|"),
    about: "How rows are shown",
    run: ({ session }, [value]) => {
      session.settings.mode = oneOf<RowMode>(value, MODES);
    },
  },
  nodes: {
    takes: "",
    about: "The members as the asked one sees them",
    run: showStatus,
  },
  nullvalue: {
    takes: "TEXT",
    about: "What stands for NULL",
    run: ({ session }, [value = ""]) => {
      session.settings.nullValue = value;
    },
  },
  once: {
    takes: "FILE",
    about: "The next result goes to a file",
    run: ({ session }, [file]) =>
      session.output.open(needed(file, "The file"), true),
  },
  open: {
    takes: "URL",
    about: "Ask another member from now on",
    run: ({ session }, [url]) => session.open(needed(url, "The URL")),
  },
  output: {
    takes: "[FILE]",
    about: "Results go to a file; without one, here again",
    run: ({ session }, [file]) =>
      file === undefined
        ? session.output.close()
        : session.output.open(file, false),
  },
  plan: {
    takes: "on|off",
    about: "Show the plan before the rows",
    run: ({ session }, [value]) => {
      session.settings.plan = onOff(value);
    },
  },
  quit: { takes: "", about: "End", run: ({ quit }) => quit() },
  read: {
    takes: "FILE",
    about: "Run the statements of a file",
    run: ({ run }, [file]) => run(textOf(needed(file, "The file"))),
  },
  ready: {
    takes: "",
    about: "Whether the asked member is fit for traffic",
    async run({ session }) {
      const { ok, detail } = await session.client.ready();
      session.output.write([ok ? "ready" : `not ready: ${detail}`]);
    },
  },
  schema: {
    takes: "[TABLE]",
    about: "The SQL that made it",
    async run({ session }, [table]) {
      const items = await schemaOf(session, table);
      session.output.write(items.map(({ sql }) => `${sql};`));
    },
  },
  status: {
    takes: "",
    about: "The cluster as the asked member sees it",
    run: showStatus,
  },
  tables: {
    takes: "",
    about: "Names of tables and views",
    async run({ session }) {
      const items = await schemaOf(session);
      session.output.write(
        items.filter(({ type }) => type === "table" || type === "view")
          .map(({ name }) => name).sort(),
      );
    },
  },
  timer: {
    takes: "on|off",
    about: "Tell how long statements take",
    run: ({ session }, [value]) => {
      session.settings.timer = onOff(value);
    },
  },
  width: {
    takes: "[N...]",
    about: "Widths of columns; 0: as wide as needed",
    run: ({ session }, widths) => {
      session.settings.widths = widths.map(widthOf);
    },
  },
  write: {
    takes: "on|off",
    about: "Whether statements may write",
    run: ({ session }, [value]) => {
      session.settings.write = onOff(value);
    },
  },
};

/** Runs a line that begins with a dot. @throws {UsageError} @throws {HiqliteError} */
export async function runDotCommand(
  line: string,
  context: CommandContext,
): Promise<void> {
  const [name = "", ...args] = wordsOf(line.slice(1));
  const command = Object.hasOwn(DOT_COMMANDS, name)
    ? DOT_COMMANDS[name]!
    : onlyOneThatBegins(name);
  await command.run(context, args);
  context.session.output.done();
}

function onlyOneThatBegins(name: string): DotCommand {
  const found = Object.keys(DOT_COMMANDS).filter((each) =>
    name !== "" && each.startsWith(name)
  );
  if (found.length === 1) return DOT_COMMANDS[found[0]!]!;
  throw new UsageError(
    found.length === 0
      ? `There is no command .${name}; .help shows them`
      : `.${name} may be ${found.map((each) => `.${each}`).join(" or ")}`,
  );
}

/** Words of a line; in single or double quotes they may have spaces. */
function wordsOf(line: string): string[] {
  const words: string[] = [];
  for (
    const [, double, single, bare] of line.matchAll(
      /"([^"]*)"|'([^']*)'|(\S+)/g,
    )
  ) words.push(double ?? single ?? bare!);
  return words;
}

function helpLines(): string[] {
  const heads = Object.entries(DOT_COMMANDS).map(([name, { takes }]) =>
    `.${name} ${takes}`.trimEnd()
  );
  const width = Math.min(30, Math.max(...heads.map((head) => head.length)) + 2);
  return Object.values(DOT_COMMANDS).map(({ about }, at) =>
    heads[at]!.length < width
      ? heads[at]!.padEnd(width) + about
      : `${heads[at]}\n${" ".repeat(width)}${about}`
  );
}

async function showStatus({ session }: CommandContext): Promise<void> {
  session.output.write(statusLines(await session.client.cluster()));
}

function textOf(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    throw new HiqliteError(
      "invalid",
      `${path} cannot be read: ${(cause as Error).message}`,
      { cause },
    );
  }
}

function needed(value: string | undefined, what: string): string {
  if (value !== undefined) return value;
  throw new UsageError(`${what} is missing`);
}

function onOff(value: string | undefined): boolean {
  return oneOf(value, ["on", "off"]) === "on";
}

function oneOf<Value extends string>(
  value: string | undefined,
  values: readonly Value[],
): Value {
  const found = values.find((each) => each === value);
  if (found !== undefined) return found;
  throw new UsageError(
    `Expected ${values.join(", ")}, got ${
      value === undefined ? "nothing" : `'${value}'`
    }`,
  );
}

function widthOf(text: string): number {
  if (/^\d{1,4}$/.test(text)) return Number(text);
  throw new UsageError(`A width is a number from 0 to 9999, not '${text}'`);
}
