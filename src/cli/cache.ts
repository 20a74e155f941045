import { keyToJson, kvValueToJson, versionText } from "../api/cache_json.ts";
import { CACHE_STATS } from "../api/routes/cache.ts";
import type { Cache } from "../client/cache/cache.ts";
import { listCache } from "../client/cache/listing.ts";
import { putOf } from "../client/cache/operations.ts";
import type { CacheSession } from "../client/cache/session.ts";
import type {
  CacheEntry,
  CacheListing,
  KeyedEntry,
  PutOptions,
} from "../client/cache/types.ts";
import { CacheValues } from "../client/cache/values.ts";
import { asIs, writeUnit } from "../client/cache/writer.ts";
import { cacheSessionOf } from "../client/hiqlite_client.ts";
import { type Client, connect } from "../client/remote.ts";
import { HiqliteError } from "../errors.ts";
import type { CacheReport } from "../node/port.ts";
import { toByteKey } from "../state/kv/keys.ts";
import { TTL_MS_MAX } from "../state/kv/limits.ts";
import type { KvValue } from "../state/kv/types.ts";
import {
  countOf,
  describeFlags,
  type Flag,
  type Parsed,
  parseFlags,
  UnknownCommandError,
  UsageError,
} from "./arguments.ts";
import { REACH_FLAGS, reachable } from "./reachable.ts";
import { printable } from "./shell/value_text.ts";
import { tableLines } from "./table.ts";
import type { Terminal } from "./terminal.ts";

/** Longest wait for an answer, s. */
const TIMEOUT_S = 10;
/** Entries that are listed without --limit. */
const LIMIT = 100;

const FLAGS: Readonly<Record<string, Flag>> = {
  ttl: { value: "ms", about: "How long the entry lives (put) [for ever]" },
  json: {
    about:
      "The value is JSON (put); answer in JSON (get, list, counter, stats)",
  },
  "if-absent": { about: "Only if there is no such entry (put)" },
  prefix: { value: "text", about: "Only keys that begin so (list)" },
  limit: { value: "n", about: `So many entries at most (list) [${LIMIT}]` },
  reverse: { about: "From the last key to the first (list)" },
  consistent: {
    about: "Read what is acknowledged anywhere (get, list, counter)",
  },
  ...REACH_FLAGS,
  timeout: { value: "seconds", about: `Longest wait [${TIMEOUT_S}]` },
  help: { short: "h", about: "Show this" },
};

/** A command, with what the user gave. */
interface Call {
  readonly client: Client;
  readonly session: CacheSession;
  readonly cache: Cache;
  readonly names: readonly string[];
  readonly flags: Parsed["flags"];
  /** `--ttl` and `--limit`. */
  readonly ttlMs: number | undefined;
  readonly limit: number;
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
    about: "Show entries in the order of their keys, each on a line",
    flags: ["prefix", "limit", "reverse", "json", "consistent"],
    run: list,
  },
  del: {
    names: ["cache", "key"],
    about: "Delete an entry",
    flags: [],
    run: del,
  },
  counter: {
    names: ["cache", "key"],
    about: "Show a counter",
    flags: ["json", "consistent"],
    run: counter,
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

/** The help of `hiqlite cache`, or of one of its commands. */
export function cacheHelp(name?: string): string[] {
  const command = commandOf(name);
  return [
    `Usage: hiqlite cache ${
      command === null ? "<command>" : usageOf(name!, command)
    } [options]`,
    "",
    ...command === null ? commandLines() : [command.about],
    "",
    "Options:",
    ...describeFlags(command === null ? FLAGS : flagsOf(command)),
    "",
    "A value that begins with '-' stands behind '--':",
    "  hiqlite cache put numbers low --json -- -1",
    "Without --url the addresses and the secret are those of the configuration,",
    "as hiqlite serve would read it here.",
  ];
}

function commandOf(name: string | undefined): CacheCommand | null {
  return name !== undefined && Object.hasOwn(COMMANDS, name)
    ? COMMANDS[name]!
    : null;
}

function commandLines(): string[] {
  const lines = Object.entries(COMMANDS).map(([name, command]) =>
    `  ${usageOf(name, command).padEnd(28)}${command.about}`
  );
  return ["Commands:", ...lines];
}

/** A command with its arguments. */
function usageOf(name: string, { names }: CacheCommand): string {
  return [name, ...names.map((one) => `<${one}>`)].join(" ");
}

function flagsOf({ flags }: CacheCommand): Readonly<Record<string, Flag>> {
  return Object.fromEntries(
    Object.entries(FLAGS).filter(([flag]) =>
      COMMON.includes(flag) || flags.includes(flag)
    ),
  );
}

/** Reads or changes the caches of a running cluster. */
export async function cache(
  args: readonly string[],
  terminal: Terminal,
): Promise<number> {
  const { flags, positionals: [name, ...names] } = parseFlags(args, FLAGS);
  const command = commandOf(name);
  if (name === undefined) throw new UsageError("A command is missing");
  if (command === null) throw new UnknownCommandError("cache", name);
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
  // What is wrong with the command line is said before a configuration is looked for.
  const timeoutMs = 1000 * (countOf(flags, "timeout") ?? TIMEOUT_S);
  const ttlMs = countOf(flags, "ttl", TTL_MS_MAX);
  const limit = countOf(flags, "limit") ?? LIMIT;
  const members = reachable(flags, terminal);
  await using client = connect({ ...members, timeoutMs });
  const of = client.cache(names[0] ?? "");
  const session = cacheSessionOf(client);
  return await command.run({
    client,
    session,
    cache: of,
    names,
    flags,
    ttlMs,
    limit,
    terminal,
  });
}

async function get(call: Call): Promise<number> {
  const { cache, session, names, flags, terminal } = call;
  const key = toByteKey(names[1]!);
  const options = consistencyOf(flags);
  const { entries, epoch } = await session.get(cache.name, [key], options);
  const [found] = entries;
  if (!found) throw notThere("entry", cache, names[1]!);
  const entry = await STORED.entry(found, key, epoch);
  terminal.out(
    flags.has("json") ? JSON.stringify(entryToJson(entry)) : shown(entry.value),
  );
  return 0;
}

async function put(call: Call): Promise<number> {
  const { cache, session, names, flags, ttlMs, terminal } = call;
  const [, key, text] = names;
  const options: PutOptions = {
    ifAbsent: flags.has("if-absent"),
    ...(ttlMs === undefined ? {} : { ttlMs }),
  };
  const value = flags.has("json") ? jsonOf(text!) : textOf(text!);
  const { operation } = putOf("put", cache.name, key!, value, options);
  const { results: [result], epoch } = await writeUnit(
    session,
    {
      unit: { checks: [], operations: [operation] },
      versions: [],
    },
    {},
    asIs,
  );
  terminal.out(versionText(epoch, result!.version));
  return 0;
}

async function counter(call: Call): Promise<number> {
  const { cache, names, flags, terminal } = call;
  const value = await cache.counter(names[1]!, consistencyOf(flags));
  if (value === undefined) throw notThere("counter", cache, names[1]!);
  terminal.out(`${value}`);
  return 0;
}

async function list(call: Call): Promise<number> {
  const { flags, limit, terminal } = call;
  let count = 0;
  for await (const entry of storedEntries(call, Math.min(limit, 1000))) {
    if (count++ === limit) {
      terminal.error(`There may be more; --limit ${2 * limit} shows them`);
      break;
    }
    terminal.out(
      flags.has("json")
        ? JSON.stringify({
          key: keyToJson(toByteKey(entry.keyBytes)),
          ...entryToJson(entry),
        })
        : `${printable(entry.key)}\t${printable(shown(entry.value))}`,
    );
  }
  return 0;
}

/** All entries that the flags are about, page by page. */
async function* storedEntries(
  { session, cache, flags }: Call,
  limit: number,
): AsyncGenerator<KeyedEntry<KvValue>> {
  const prefix = flags.get("prefix")?.[0];
  let cursor: string | null | undefined;
  while (cursor !== null) {
    const page: CacheListing<KvValue> = await listCache(
      session,
      cache.name,
      STORED,
      {
        ...(prefix === undefined ? {} : { prefix }),
        ...(cursor === undefined ? {} : { cursor }),
        limit,
        reverse: flags.has("reverse"),
        ...consistencyOf(flags),
      },
    );
    yield* page.entries;
    cursor = page.cursor;
  }
}

async function del({ cache, names }: Call): Promise<number> {
  if (await cache.delete(names[1]!)) return 0;
  throw notThere("entry", cache, names[1]!);
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
  return tableLines(rows, true);
}

/** Values as they are stored: JSON keeps its text, and numbers all their digits. */
class StoredValues extends CacheValues<KvValue> {
  override decode(stored: KvValue): Promise<KvValue> {
    return Promise.resolve(stored);
  }
}

const STORED = new StoredValues({});

/** A value for people. */
function shown({ kind, bytes }: KvValue): string {
  return kind === "bytes" ? bytes.toBase64() : new TextDecoder().decode(bytes);
}

function entryToJson({ value, version, ttlMs }: CacheEntry<KvValue>): object {
  return { value: kvValueToJson(value), version, ttl_ms: ttlMs };
}

function consistencyOf(
  flags: Parsed["flags"],
): { readonly consistency: "linearizable" | "local" } {
  return { consistency: flags.has("consistent") ? "linearizable" : "local" };
}

/** JSON is stored as it was typed: read and written again, it would lose digits. */
function jsonOf(text: string): KvValue {
  try {
    JSON.parse(text);
  } catch (error) {
    throw new UsageError(`The value is not JSON: ${(error as Error).message}`);
  }
  return { ...textOf(text), kind: "json" };
}

function textOf(text: string): KvValue {
  return { kind: "text", bytes: new TextEncoder().encode(text) };
}

function notThere(
  what: "entry" | "counter",
  cache: Cache,
  key: string,
): HiqliteError {
  return new HiqliteError(
    "not_found",
    `There is no ${what} '${key}' in cache '${cache.name}'`,
  );
}
