import { keyToJson, kvValueToJson } from "../api/cache_json.ts";
import { CACHE_STATS } from "../api/routes/cache.ts";
import type { Cache } from "../client/cache/cache.ts";
import type { CacheValue, KeyedEntry } from "../client/cache/types.ts";
import { CacheValues } from "../client/cache/values.ts";
import { type Client, connect } from "../client/remote.ts";
import { HiqliteError } from "../errors.ts";
import type { CacheReport } from "../node/port.ts";
import { toByteKey } from "../state/kv/keys.ts";
import {
  describeFlags,
  type Flag,
  type Parsed,
  parseFlags,
  UsageError,
} from "./arguments.ts";
import { REACH_FLAGS, reachable } from "./reachable.ts";
import type { Terminal } from "./terminal.ts";

/** Longest wait for an answer, s. */
const TIMEOUT_S = 10;
/** Entries that are listed without --limit. */
const LIMIT = 100;

const FLAGS: Readonly<Record<string, Flag>> = {
  ttl: { value: "ms", about: "How long the entry lives (put)" },
  json: {
    about: "The value is JSON (put); answer in JSON (get, list, stats)",
  },
  "if-absent": { about: "Only if there is no such entry (put)" },
  prefix: { value: "text", about: "Only keys that begin so (list)" },
  limit: { value: "n", about: `So many entries at most (list) [${LIMIT}]` },
  reverse: { about: "From the last key to the first (list)" },
  consistent: { about: "Read what is acknowledged anywhere (get, list)" },
  ...REACH_FLAGS,
  timeout: { value: "seconds", about: `Longest wait [${TIMEOUT_S}]` },
  help: { short: "h", about: "Show this" },
};

/** A command, with what the user gave. */
interface Call {
  readonly client: Client;
  readonly cache: Cache;
  readonly names: readonly string[];
  readonly flags: Parsed["flags"];
  readonly terminal: Terminal;
}

interface CacheCommand {
  /** Its arguments, in the help. */
  readonly names: readonly string[];
  readonly about: string;
  /** The flags that mean something to it. */
  readonly flags: readonly string[];
  run(call: Call): Promise<number>;
}

const COMMANDS: Readonly<Record<string, CacheCommand>> = {
  get: {
    names: ["cache", "key"],
    about: "Show a value; bytes as base64",
    flags: ["json", "consistent"],
    run: get,
  },
  put: {
    names: ["cache", "key", "value"],
    about: "Put a value, and show its version",
    flags: ["ttl", "json", "if-absent"],
    run: put,
  },
  list: {
    names: ["cache"],
    about: "Show entries in the order of their keys",
    flags: ["prefix", "limit", "reverse", "json", "consistent"],
    run: list,
  },
  del: {
    names: ["cache", "key"],
    about: "Delete an entry",
    flags: [],
    run: del,
  },
  stats: {
    names: [],
    about: "Show all caches as one member has them",
    flags: ["json"],
    run: stats,
  },
};

/** Flags that any command takes. */
const COMMON = ["url", "secret-file", "config-file", "timeout", "help"];

/** The help of `hiqlite cache`. */
export function cacheHelp(): string[] {
  const commands = Object.entries(COMMANDS).map(([name, { names, about }]) => {
    const usage = [name, ...names.map((one) => `<${one}>`)].join(" ");
    return `  ${usage.padEnd(28)}${about}`;
  });
  return [
    "Usage: hiqlite cache <command> [options]",
    "",
    "Commands:",
    ...commands,
    "",
    "Options:",
    ...describeFlags(FLAGS),
    "",
    "Without --url the addresses and the secret are those of the configuration,",
    "as hiqlite serve would read it here.",
  ];
}

/** Reads or changes the caches of a running cluster. */
export async function cache(
  args: readonly string[],
  terminal: Terminal,
): Promise<number> {
  const { flags, positionals: [name, ...names] } = parseFlags(args, FLAGS);
  const command = Object.hasOwn(COMMANDS, name ?? "") ? COMMANDS[name!] : null;
  if (name === undefined) throw new UsageError("A command is missing");
  if (!command) throw new UsageError(`Unknown command 'cache ${name}'`);
  const missing = command.names[names.length];
  if (missing !== undefined) throw new UsageError(`The ${missing} is missing`);
  if (names.length > command.names.length) {
    throw new UsageError(
      `Unexpected argument '${names[command.names.length]}'`,
    );
  }
  for (const flag of flags.keys()) {
    if (![...COMMON, ...command.flags].includes(flag)) {
      throw new UsageError(`--${flag} means nothing to 'cache ${name}'`);
    }
  }
  const flag = (name: string): string | undefined => flags.get(name)?.[0];
  const timeoutMs = 1000 * (numberOf(flag("timeout"), "timeout") ?? TIMEOUT_S);
  const members = reachable(flags.get("url") ?? [], flag, terminal);
  await using client = connect({ ...members, timeoutMs });
  const of = client.cache(names[0] ?? "");
  return await command.run({ client, cache: of, names, flags, terminal });
}

async function get({ cache, names, flags, terminal }: Call): Promise<number> {
  const entry = await cache.entry(names[1]!, consistencyOf(flags));
  if (entry === undefined) throw notThere(cache, names[1]!);
  terminal.out(
    flags.has("json")
      ? JSON.stringify({
        value: valueToJson(entry.value),
        version: entry.version,
        ttl_ms: entry.ttlMs,
      })
      : shown(entry.value),
  );
  return 0;
}

async function put({ cache, names, flags, terminal }: Call): Promise<number> {
  const [, key, text] = names;
  const ttlMs = numberOf(flags.get("ttl")?.[0], "ttl");
  const version = await cache.put(
    key!,
    flags.has("json") ? parsed(text!) : text!,
    {
      ifAbsent: flags.has("if-absent"),
      ...(ttlMs === undefined ? {} : { ttlMs }),
    },
  );
  terminal.out(version);
  return 0;
}

async function list({ cache, flags, terminal }: Call): Promise<number> {
  const prefix = flags.get("prefix")?.[0];
  const limit = numberOf(flags.get("limit")?.[0], "limit") ?? LIMIT;
  const listed = cache.entries({
    ...(prefix === undefined ? {} : { prefix }),
    limit: Math.min(limit, 1000),
    reverse: flags.has("reverse"),
    ...consistencyOf(flags),
  });
  let count = 0;
  for await (const entry of listed) {
    if (count++ === limit) {
      terminal.error(`There may be more; --limit ${2 * limit} shows them`);
      break;
    }
    terminal.out(
      flags.has("json")
        ? JSON.stringify(entryToJson(entry))
        : `${entry.key}\t${shown(entry.value)}`,
    );
  }
  return 0;
}

async function del({ cache, names }: Call): Promise<number> {
  if (await cache.delete(names[1]!)) return 0;
  throw notThere(cache, names[1]!);
}

async function stats({ client, flags, terminal }: Call): Promise<number> {
  const caches = await client.caches();
  if (flags.has("json")) {
    const json = CACHE_STATS.reply.encode(caches);
    terminal.out(JSON.stringify(json, null, 2));
    return 0;
  }
  for (const line of table(caches)) terminal.out(line);
  return 0;
}

const COLUMNS = [
  "entries",
  "counters",
  "bytes",
  "hits",
  "misses",
  "expired",
  "evicted",
] as const;

function table(caches: readonly CacheReport[]): string[] {
  const rows = [
    ["cache", ...COLUMNS],
    ...caches.map((cache) => [
      cache.name,
      ...COLUMNS.map((column) => `${cache[column]}`),
    ]),
  ];
  const widths = rows[0]!.map((_, at) =>
    Math.max(...rows.map((row) => row[at]!.length))
  );
  return rows.map((row) =>
    row.map((cell, at) =>
      at === 0 ? cell.padEnd(widths[0]!) : cell.padStart(widths[at]!)
    ).join("  ")
  );
}

/** A value for people: a line of text. */
function shown(value: CacheValue): string {
  if (typeof value === "string") return value;
  if (!(value instanceof Uint8Array)) return JSON.stringify(value);
  return value.toBase64();
}

function entryToJson(entry: KeyedEntry<CacheValue>): object {
  return {
    key: keyToJson(toByteKey(entry.keyBytes)),
    value: valueToJson(entry.value),
    version: entry.version,
    ttl_ms: entry.ttlMs,
  };
}

function valueToJson(value: CacheValue): unknown {
  return kvValueToJson(new CacheValues({}).encode(value));
}

function consistencyOf(
  flags: Parsed["flags"],
): { readonly consistency: "linearizable" | "local" } {
  return { consistency: flags.has("consistent") ? "linearizable" : "local" };
}

function parsed(text: string): CacheValue {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new UsageError(`The value is not JSON: ${(error as Error).message}`);
  }
}

function numberOf(text: string | undefined, flag: string): number | undefined {
  if (text === undefined) return undefined;
  if (/^[1-9]\d{0,12}$/.test(text)) return Number(text);
  throw new UsageError(`--${flag} is a whole number from 1, not '${text}'`);
}

function notThere(cache: Cache, key: string): HiqliteError {
  return new HiqliteError(
    "not_found",
    `There is no entry '${key}' in cache '${cache.name}'`,
  );
}
