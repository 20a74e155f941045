import { connect, type TokenInfo } from "../client/remote.ts";
import type { Scope } from "../state/tokens/types.ts";
import { SCOPES } from "../state/tokens/types.ts";
import {
  countOf,
  describeFlags,
  type Flag,
  type Parsed,
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

const UNITS = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

const FLAGS: Readonly<Record<string, Flag>> = {
  scope: { value: "scope", about: `${SCOPES.join(", ")} (create) [read]` },
  cache: {
    value: "name",
    multiple: true,
    about: "Only for this cache; may be repeated (create)",
  },
  expires: {
    value: "when",
    about:
      "30m, 12h, 90d, or a time such as 2030-01-31T12:00Z (create) [never]",
  },
  json: { about: "Answer in JSON (create, list)" },
  ...REACH_FLAGS,
  timeout: { value: "seconds", about: `Longest wait [${TIMEOUT_S}]` },
  help: { short: "h", about: "Show this" },
};

const COMMANDS = ["create", "list", "revoke"] as const;

/** The flags that mean nothing to a command. */
const NOT_OF: Readonly<Record<(typeof COMMANDS)[number], readonly string[]>> = {
  create: [],
  list: ["scope", "cache", "expires"],
  revoke: ["scope", "cache", "expires", "json"],
};

/** The help of `hiqlite token`. */
export function tokenHelp(): string[] {
  return [
    "Usage: hiqlite token <command> [options]",
    "",
    "Commands:",
    "  create <name>  Make a token and print it: it is shown this once",
    "  list           Show tokens, without their secrets",
    "  revoke <id>    Take a token back; the id stands after hqt_",
    "",
    "Options:",
    ...describeFlags(FLAGS),
    "",
    "A token is sent in the place of the API secret. `read` may query, watch and",
    "listen; `write` also change data, caches and locks; `admin` everything.",
  ];
}

/** Makes, shows or revokes tokens of a running cluster. */
export async function token(
  args: readonly string[],
  terminal: Terminal,
): Promise<number> {
  const { flags, positionals: [name, ...rest] } = parseFlags(args, FLAGS);
  const command = commandOf(name, flags);
  const wanted = command === "list" ? 0 : 1;
  if (rest.length < wanted) {
    throw new UsageError(
      `The ${command === "create" ? "name" : "id"} is missing`,
    );
  }
  if (rest.length > wanted) {
    throw new UsageError(`Unexpected argument '${rest[wanted]}'`);
  }
  const timeoutMs = 1000 * (countOf(flags, "timeout") ?? TIMEOUT_S);
  const made = command === "create" ? wishOf(rest[0]!, flags) : null;
  const members = reachable(flags, terminal);
  await using client = connect({ ...members, timeoutMs });
  const json = flags.has("json");
  if (made !== null) {
    const { id, token } = await client.tokens.create(made);
    terminal.out(json ? JSON.stringify({ id, token }) : token);
    return 0;
  }
  if (command === "list") {
    const tokens = await client.tokens.list();
    const lines = json ? [JSON.stringify({ tokens })] : table(tokens);
    for (const line of lines) terminal.out(line);
    return 0;
  }
  if (await client.tokens.revoke(rest[0]!)) return 0;
  terminal.error(`hiqlite token: There is no token '${rest[0]}'`);
  return 1;
}

function commandOf(
  name: string | undefined,
  flags: Parsed["flags"],
): (typeof COMMANDS)[number] {
  if (name === undefined) throw new UsageError("A command is missing");
  const command = COMMANDS.find((known) => known === name);
  if (command === undefined) {
    throw new UnknownCommandError("token", name);
  }
  for (const flag of NOT_OF[command]) {
    if (flags.has(flag)) {
      throw new UsageError(`--${flag} means nothing to 'token ${command}'`);
    }
  }
  return command;
}

function wishOf(name: string, flags: Parsed["flags"]) {
  const caches = flags.get("cache");
  const expires = valueOf(flags, "expires");
  return {
    name,
    scope: scopeOf(valueOf(flags, "scope") ?? "read"),
    ...(caches === undefined ? {} : { caches }),
    ...(expires === undefined ? {} : { expiresAt: timeOf(expires) }),
  };
}

function scopeOf(text: string): Scope {
  const scope = SCOPES.find((known) => known === text);
  if (scope !== undefined) return scope;
  throw new UsageError(`--scope is ${SCOPES.join(", ")}, not '${text}'`);
}

function timeOf(text: string): Date {
  const [, count, unit] = /^([1-9]\d{0,5})([smhd])$/.exec(text) ?? [];
  if (unit !== undefined) {
    return new Date(Date.now() + Number(count) * UNITS[unit as "s"]);
  }
  // Without a zone a time would be that of this machine.
  const time = /^\d{4}-\d\d-\d\d(T.*(Z|[+-]\d\d:\d\d))?$/.test(text)
    ? new Date(text)
    : new Date(NaN);
  if (Number.isFinite(time.getTime())) return time;
  throw new UsageError(
    `--expires: expected 30m, 12h, 90d, or a time such as 2030-01-31T12:00Z, got '${text}'`,
  );
}

function table(tokens: readonly TokenInfo[]): string[] {
  const now = Date.now();
  const rows = tokens.map(({ id, name, scope, caches, ...times }) => [
    id,
    scope,
    caches?.join(",") ?? "",
    times.createdAt.toISOString().slice(0, 16) + "Z",
    times.expiresAt === null
      ? "never"
      : times.expiresAt.getTime() <= now
      ? "expired"
      : times.expiresAt.toISOString().slice(0, 16) + "Z",
    name,
  ]);
  return tableLines([
    ["ID", "SCOPE", "CACHES", "CREATED", "EXPIRES", "NAME"],
    ...rows,
  ]);
}
