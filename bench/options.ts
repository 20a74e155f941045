import { parseArgs } from "node:util";
import { SQLITE_WAYS, type SqliteWay } from "./sqlite_way.ts";

/** What to run, and for how long. */
export interface BenchOptions {
  /** Concurrent writers. */
  readonly writers: readonly number[];
  /** Length of one measurement, ms. */
  readonly ms: number;
  /** How long members are kept busy before anything is measured, ms: code that runs long is compiled better. */
  readonly warmMs: number;
  /** Alternating measurements of pipeline and cluster per concurrency. */
  readonly rounds: number;
  /** Rows of the transactions and of the table that is read. */
  readonly rows: number;
  /** Which sections to run. */
  readonly only: ReadonlySet<Section>;
  readonly quick: boolean;
  readonly json: boolean;
  /** Where CPU profiles of the children go. */
  readonly profileDir: string | undefined;
  readonly sqlite: SqliteWay;
}

/** Parts of the bench. */
export const SECTIONS = [
  "parts",
  "singles",
  "transactions",
  "follower",
  "http",
  "blobs",
  "reads",
  "levels",
  "cache",
  "cache-million",
  "live",
  "events",
  "locks",
] as const;

/** One of {@linkcode SECTIONS}. */
export type Section = typeof SECTIONS[number];

/** What `--help` prints. */
export const HELP = `Usage: deno task bench [options]

Three members on this machine, each its own process, against a fixed-leader
pipeline made of the same parts without consensus.

  --writers <list>   concurrent writers (default 4,16,64,256)
  --seconds <n>      length of one measurement, 0.1 to 60 (default 2)
  --warm <n>         seconds of writes before the first measurement of singles and
                     of caches, 0 to 60 (default 10): as in a server that runs long
  --rounds <n>       alternating measurements, 1 to 50 (default 5)
  --rows <n>         rows of transactions and reads, 1000 to 1000000 (default 50000)
  --only <list>      some of ${SECTIONS.join(", ")}
  --quick            0.5 s, one round, 5000 rows, 1 s of warm-up
  --json             machine-readable results
  --sqlite <way>     ${SQLITE_WAYS.join(", ")}: a thread (default), a process of
                     its own, or the library that deno task sqlite builds
  --profile <dir>    CPU profiles of the children go there
  --help             this text
`;

/**
 * Reads the command line; null if help is wanted.
 * @throws {Error} that says what is wrong with which option.
 */
export function readOptions(args: readonly string[]): BenchOptions | null {
  const { values } = parseArgs({
    args: [...args],
    options: {
      writers: { type: "string", default: "4,16,64,256" },
      seconds: { type: "string" },
      warm: { type: "string" },
      rounds: { type: "string" },
      rows: { type: "string" },
      only: { type: "string", default: SECTIONS.join(",") },
      quick: { type: "boolean", default: false },
      json: { type: "boolean", default: false },
      profile: { type: "string" },
      sqlite: { type: "string", default: "worker" },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) return null;
  const { quick, json } = values;
  const between = (
    name: "seconds" | "warm" | "rounds" | "rows",
    usual: number,
    low: number,
    high: number,
  ): number => bounded(name, Number(values[name] ?? usual), low, high);
  return {
    writers: values.writers.split(",").map((text) =>
      bounded("writers", Number(text), 1, 4096)
    ),
    ms: 1000 * between("seconds", quick ? 0.5 : 2, 0.1, 60),
    warmMs: 1000 * between("warm", quick ? 1 : 10, 0, 60),
    rounds: between("rounds", quick ? 1 : 5, 1, 50),
    rows: between("rows", quick ? 5_000 : 50_000, 1_000, 1_000_000),
    only: new Set(
      values.only.split(",").map((name) => oneOf("only", SECTIONS, name)),
    ),
    quick,
    json,
    profileDir: values.profile,
    sqlite: oneOf("sqlite", SQLITE_WAYS, values.sqlite),
  };
}

function oneOf<T extends string>(
  option: string,
  known: readonly T[],
  name: string,
): T {
  const found = known.find((each) => each === name);
  if (found !== undefined) return found;
  throw new Error(`--${option}: ${name} is none of ${known.join(", ")}`);
}

function bounded(
  name: string,
  value: number,
  low: number,
  high: number,
): number {
  const whole = name === "seconds" || name === "warm" ||
    Number.isInteger(value);
  if (whole && value >= low && value <= high) return value;
  throw new Error(`--${name}: expected ${low} to ${high}, got ${value}`);
}
