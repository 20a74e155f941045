import { connect } from "../client/remote.ts";
import type { TablesChanged } from "../client/live_options.ts";
import {
  countOf,
  describeFlags,
  type Flag,
  parseFlags,
  refuseArguments,
  valueOf,
} from "./arguments.ts";
import { REACH_FLAGS, reachable } from "./reachable.ts";
import type { Terminal } from "./terminal.ts";

const FLAGS: Readonly<Record<string, Flag>> = {
  table: {
    value: "name",
    multiple: true,
    about: "Only this table or view; may be repeated [all]",
  },
  since: {
    value: "position",
    about: "Go on from an index, or from the position of a change [now]",
  },
  count: { value: "n", about: "End after so many changes" },
  json: { about: "A line of JSON for each" },
  ...REACH_FLAGS,
  help: { short: "h", about: "Show this" },
};

/** The help of `hiqlite changes`. */
export function changesHelp(): string[] {
  return [
    "Usage: hiqlite changes [options]",
    "",
    "Shows which tables of a running cluster change, until it is stopped: the index",
    "of the last entry that changed one of them, and their names. Changes that come",
    "fast are shown as one. 'reset': any table may have changed.",
    "",
    "Options:",
    ...describeFlags(FLAGS),
    "",
    "Without --url the addresses and the secret are those of the configuration,",
    "as hiqlite serve would read it here.",
  ];
}

/** Shows changes of tables until a signal, or until there were enough. */
export async function changes(
  args: readonly string[],
  terminal: Terminal,
): Promise<number> {
  const { flags, positionals } = parseFlags(args, FLAGS);
  refuseArguments(positionals);
  const count = countOf(flags, "count") ?? Infinity;
  const tables = flags.get("table");
  const since = valueOf(flags, "since");
  const members = reachable(flags, terminal);
  const stop = new AbortController();
  const forget = terminal.onStop(() => stop.abort());
  await using client = connect(members);
  try {
    let shown = 0;
    const following = client.changes({
      ...(tables === undefined ? {} : { tables }),
      ...(since === undefined ? {} : { since }),
      signal: stop.signal,
    });
    for await (const change of following) {
      terminal.out(flags.has("json") ? JSON.stringify(change) : line(change));
      if (++shown >= count) break;
    }
    return 0;
  } finally {
    forget();
  }
}

function line({ index, tables, schema, reset }: TablesChanged): string {
  if (reset) return `${index}\treset`;
  return `${index}\t${tables.join(" ")}${schema ? "\t(schema)" : ""}`;
}
