import { parseArgs } from "node:util";
import { join } from "node:path";
import { hunt } from "./hunt.ts";
import { type Mutant, MUTANTS } from "./table.ts";
import { copySources, patched } from "./tree.ts";

const HELP =
  `Plants one bug at a time in a copy of the sources and looks who finds it:
the first seeds of the simulator, the tests of the bug's folder, more seeds.
Prints a line for each and at the end the table as Markdown.
Exit code 1 if nobody finds a bug or its place in the sources is gone.

deno task test:mutants [options]

  --only TEXT    only bugs whose name or file contains this
  --from N       begin with this one, counted from 0
  --seeds N      seeds to try on each (300)
  --jobs N       bugs looked for at the same time (1)
  --quick        seeds only, no tests
  --list         print the bugs and end
  --check        check that each bug still has its place, and end
  --help         print this and end`;

const { values: flags } = parseArgs({
  options: {
    only: { type: "string", default: "" },
    from: { type: "string", default: "0" },
    seeds: { type: "string", default: "300" },
    jobs: { type: "string", default: "1" },
    quick: { type: "boolean", default: false },
    list: { type: "boolean", default: false },
    check: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});

// deno-lint-ignore no-console -- this is a command
const print = console.log;
const root = join(import.meta.dirname!, "../../..");
const wanted = MUTANTS.slice(Number(flags.from)).filter(({ name, file }) =>
  name.includes(flags.only) || file.includes(flags.only)
);
if (flags.help) print(HELP);
else if (flags.list) {
  for (const { name, file } of wanted) print(`${name} (${file})`);
} else Deno.exitCode = await main();

async function main(): Promise<number> {
  const gone = wanted.filter((mutant) => patched(root, mutant) === null);
  for (const { name, file } of gone) {
    print(`its place is not there exactly once: ${name} (${file})`);
  }
  if (gone.length > 0) return 1;
  if (flags.check) return 0;
  const found = await huntAll();
  print("\n| planted bug | in | found by |\n| --- | --- | --- |");
  for (const mutant of wanted) {
    const by = found.get(mutant) ?? "**nobody**";
    print(`| ${mutant.name} | \`${mutant.file}\` | ${by} |`);
  }
  const killed = [...found.values()].filter((by) => by !== null).length;
  print(`\n${killed} of ${wanted.length} found`);
  return killed === wanted.length ? 0 : 1;
}

/** Who found each. */
async function huntAll(): Promise<Map<Mutant, string | null>> {
  const found = new Map<Mutant, string | null>();
  const folder = Deno.makeTempDirSync({ prefix: "hiqlite-mutants-" });
  try {
    const pristine = join(folder, "pristine");
    copySources(root, pristine);
    const waiting = [...wanted];
    const jobs = Array.from({ length: Number(flags.jobs) }, async (_, job) => {
      const copy = join(folder, `copy-${job}`);
      copySources(root, copy);
      for (let mutant; (mutant = waiting.shift()) !== undefined;) {
        const begun = performance.now();
        const by = await hunt({
          pristine,
          copy,
          seeds: Number(flags.seeds),
          tests: !flags.quick,
        }, mutant).catch(({ message }: Error) => {
          print(`${mutant.name}: ${message}`);
          return null;
        });
        found.set(mutant, by);
        const seconds = ((performance.now() - begun) / 1000).toFixed(1);
        print(
          `${found.size}/${wanted.length} ${mutant.name}: ${
            by ?? "NOBODY"
          } (${seconds} s)`,
        );
      }
    });
    await Promise.all(jobs);
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
  return found;
}
