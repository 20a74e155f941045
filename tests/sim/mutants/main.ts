import { parseArgs } from "node:util";
import { join } from "node:path";
import { endAll } from "./command.ts";
import { type Finder, formatFinder } from "./finder.ts";
import { hunt } from "./hunt.ts";
import { Memory } from "./memory.ts";
import { Pristine } from "./pristine.ts";
import { type Mutant, MUTANTS } from "./table.ts";
import { formatTable } from "./table_text.ts";
import { copySources, patched } from "./tree.ts";

const HELP =
  `Plants one bug at a time in a copy of the sources and looks who finds it:
who found it last (tests/sim/mutants/found.json); else the first seeds of the
simulator, the tests of the bug's file and folder, more seeds. Whoever finds it
must pass without the bug, and is written down for the next run. Some show only
with the library that deno task sqlite builds.
Prints a line for each bug and at the end those that nobody found.
Exit code 1 if nobody finds a bug or its place in the sources is gone.

deno task test:mutants [options]

  --only TEXT    only bugs whose name or file contains this
  --from N       begin with this one, counted from 0
  --count N      end after so many (all)
  --seeds N      seeds to try on each (300)
  --jobs N       bugs looked for at the same time (2, on a single core 1)
  --quick        seeds only, no tests
  --known        ask nobody but who found a bug last
  --anew         do not ask first who found a bug last
  --list         print the bugs and end
  --table        print as Markdown who found which bug last, and end
  --check        check that each bug still has its place, and end
  --help         print this and end`;

const { values: flags } = parseArgs({
  options: {
    only: { type: "string", default: "" },
    from: { type: "string", default: "0" },
    count: { type: "string", default: String(MUTANTS.length) },
    seeds: { type: "string", default: "300" },
    jobs: {
      type: "string",
      default: String(Math.min(2, navigator.hardwareConcurrency)),
    },
    quick: { type: "boolean", default: false },
    known: { type: "boolean", default: false },
    anew: { type: "boolean", default: false },
    list: { type: "boolean", default: false },
    table: { type: "boolean", default: false },
    check: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});

// deno-lint-ignore no-console -- this is a command
const print = console.log;
const root = join(import.meta.dirname!, "../../..");
const memory = new Memory(
  join(import.meta.dirname!, "found.json"),
  MUTANTS.map(({ name }) => name),
);
const from = numberOf("from", 0);
const wanted = MUTANTS.slice(from, from + numberOf("count", 1)).filter((
  { name, file },
) => name.includes(flags.only) || file.includes(flags.only));
if (flags.help) print(HELP);
else if (flags.list) {
  for (const { name, file } of wanted) print(`${name} (${file})`);
} else if (flags.table) print(formatTable(wanted, memory.read()));
else Deno.exitCode = await main();

/** @throws {RangeError} for what is no whole number, or too small. */
function numberOf(name: "from" | "count" | "seeds" | "jobs", least: number) {
  const number = Number(flags[name]);
  if (Number.isSafeInteger(number) && number >= least) return number;
  throw new RangeError(
    `--${name} is a whole number of at least ${least}, not ${flags[name]}`,
  );
}

async function main(): Promise<number> {
  const gone = wanted.filter((mutant) => patched(root, mutant) === null);
  for (const { name, file } of gone) {
    print(`its place is not there exactly once: ${name} (${file})`);
  }
  if (gone.length > 0) return 1;
  if (flags.check) return 0;
  const begun = performance.now();
  const found = await huntAll();
  const escaped = wanted.filter(({ name }) => !found.has(name));
  for (const { name, file } of escaped) {
    print(`nobody found: ${name} (${file})`);
  }
  print(
    `${found.size} of ${wanted.length} found in ${minutesSince(begun)} minutes`,
  );
  return escaped.length === 0 ? 0 : 1;
}

function minutesSince(begun: number): string {
  return ((performance.now() - begun) / 60_000).toFixed(1);
}

/** Who found each, by its name. */
async function huntAll(): Promise<Map<string, Finder>> {
  const found = new Map<string, Finder>();
  const last = flags.anew ? new Map<string, Finder>() : memory.read();
  const folder = Deno.makeTempDirSync({ prefix: "hiqlite-mutants-" });
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    Deno.addSignalListener(signal, () => {
      endAll();
      Deno.removeSync(folder, { recursive: true });
      Deno.exit(1);
    });
  }
  const begun = performance.now();
  let done = 0;
  const look = async (mutant: Mutant, copy: string): Promise<void> => {
    const since = performance.now();
    const by = await hunt(
      {
        pristine,
        copy,
        seeds: numberOf("seeds", 1),
        tests: !flags.quick,
        known: flags.known,
      },
      mutant,
      last.get(mutant.name),
    ).catch(({ message }: Error) => {
      print(`${mutant.name}: ${message}`);
      return null;
    });
    if (by !== null) {
      found.set(mutant.name, by);
      memory.remember(mutant.name, by);
    }
    const seconds = (performance.now() - since) / 1000;
    print(
      `${progress(++done, begun)} ${mutant.name}: ${
        by === null ? "NOBODY" : formatFinder(by)
      } (${seconds.toFixed(1)} s)`,
    );
  };
  const path = join(folder, "pristine");
  const pristine = new Pristine(path);
  try {
    copySources(root, path);
    const waiting = [...wanted];
    const jobs = Array.from({ length: numberOf("jobs", 1) }, async (_, job) => {
      const copy = join(folder, `copy-${job}`);
      copySources(root, copy);
      for (let mutant; (mutant = waiting.shift()) !== undefined;) {
        await look(mutant, copy);
      }
    });
    await Promise.all(jobs);
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
  return found;
}

/** So many are done, and how long the others will take if they are as these were. */
function progress(done: number, begun: number): string {
  const left = (performance.now() - begun) / done * (wanted.length - done);
  return `${done}/${wanted.length}, ${(left / 60_000).toFixed(0)} min left:`;
}
