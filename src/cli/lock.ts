import { type Client, connect } from "../client/remote.ts";
import { HiqliteError } from "../errors.ts";
import type { LockState } from "../node/lock_port.ts";
import {
  countOf,
  describeFlags,
  type Flag,
  parseFlags,
  UnknownCommandError,
  UsageError,
  valueOf,
} from "./arguments.ts";
import { REACH_FLAGS, reachable } from "./reachable.ts";
import { tableLines } from "./table.ts";
import type { Terminal } from "./terminal.ts";

/** Longest wait for an answer, s. */
const TIMEOUT_S = 10;

const FLAGS: Readonly<Record<string, Flag>> = {
  token: { value: "n", about: "The holder that loses the lock (release)" },
  json: { about: "Answer in JSON (list)" },
  consistent: { about: "Read what is acknowledged anywhere (list)" },
  ...REACH_FLAGS,
  timeout: { value: "seconds", about: `Longest wait [${TIMEOUT_S}]` },
  help: { short: "h", about: "Show this" },
};

/** The flags that mean nothing to a command. */
const NOT_OF = { list: ["token"], release: ["json", "consistent"] } as const;

/** The help of `hiqlite lock`. */
export function lockHelp(): string[] {
  return [
    "Usage: hiqlite lock <command> [options]",
    "",
    "Commands:",
    "  list [name]     Show who holds locks, and for how long if nobody renews them",
    "  release <name>  Show who would lose the lock; with --token, take it away",
    "",
    "Options:",
    ...describeFlags(FLAGS),
    "",
    "Whoever loses a lock by this hears of it only when it renews or uses it:",
    "only what carries its token as a fence is refused at once.",
  ];
}

/** Shows or takes away locks of a running cluster. */
export async function lock(
  args: readonly string[],
  terminal: Terminal,
): Promise<number> {
  const { flags, positionals: [name, ...names] } = parseFlags(args, FLAGS);
  if (name === undefined) throw new UsageError("A command is missing");
  if (name !== "list" && name !== "release") {
    throw new UnknownCommandError("lock", name);
  }
  if (name === "release" && names.length === 0) {
    throw new UsageError("The name is missing");
  }
  if (names.length > 1) {
    throw new UsageError(`Unexpected argument '${names[1]}'`);
  }
  for (const flag of NOT_OF[name]) {
    if (flags.has(flag)) {
      throw new UsageError(`--${flag} means nothing to 'lock ${name}'`);
    }
  }
  const timeoutMs = 1000 * (countOf(flags, "timeout") ?? TIMEOUT_S);
  const members = reachable(flags, terminal);
  await using client = connect({ ...members, timeoutMs });
  if (name === "list") {
    const consistency = flags.has("consistent") ? "linearizable" : "local";
    const held = await client.locks(names[0], { consistency, timeoutMs });
    const lines = flags.has("json")
      ? [JSON.stringify({ locks: held })]
      : table(held);
    for (const line of lines) terminal.out(line);
    return 0;
  }
  const token = tokenOf(valueOf(flags, "token"));
  return await release(client, names[0]!, token, terminal);
}

async function release(
  client: Client,
  name: string,
  token: number | undefined,
  terminal: Terminal,
): Promise<number> {
  if (token !== undefined) {
    if (await client.releaseLock({ name, token })) return 0;
    throw new HiqliteError(
      "lock_lost",
      `The lock '${name}' is not held under the token ${token}`,
    );
  }
  const held = await client.locks(name, { consistency: "linearizable" });
  if (held.length === 0) {
    terminal.error(`hiqlite lock: Nobody holds the lock '${name}'`);
    return 1;
  }
  for (const line of table(held)) terminal.out(line);
  terminal.error(
    `Nothing was done; hiqlite lock release '${name}' --token ${
      held[0]!.token
    } ends ${held.length === 1 ? "this" : "the first of these"}`,
  );
  return 1;
}

function table(held: readonly LockState[]): string[] {
  const rows = held.map((state) => [
    state.name,
    `${state.token}`,
    state.owner,
    `${state.permits}/${state.limit}`,
    `${(state.remainingMs / 1000).toFixed(1)} s`,
    `${state.waiting}`,
    state.value,
  ]);
  return tableLines([
    ["NAME", "TOKEN", "OWNER", "PERMITS", "LEFT", "WAITING", "VALUE"],
    ...rows,
  ]);
}

function tokenOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (/^[1-9]\d{0,15}$/.test(text)) return Number(text);
  throw new UsageError(`--token: expected an integer from 1, got '${text}'`);
}
