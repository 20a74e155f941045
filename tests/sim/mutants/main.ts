import { parseArgs } from "node:util";
import { join } from "node:path";
import { type Mutant, MUTANTS } from "./table.ts";

const { values: flags } = parseArgs({
  options: {
    /** Seeds to try on each. */
    seeds: { type: "string", default: "300" },
    /** Only those whose name contains this. */
    only: { type: "string", default: "" },
    /** Begin with this one, counted from 0. */
    from: { type: "string", default: "0" },
    /** Leave the scenario tests out. */
    quick: { type: "boolean", default: false },
    /** Only check that every patch still applies. */
    check: { type: "boolean", default: false },
  },
});

/** Longest run of one mutant; an endless one counts as found. */
const LIMIT_MS = 240_000;
const SCENARIOS = ["tests/raft", "tests/log"];

// deno-lint-ignore no-console -- this is a command
const print = console.log;
const root = join(import.meta.dirname!, "../../..");
const wanted = MUTANTS.slice(Number(flags.from))
  .filter(({ name }) => name.includes(flags.only));
const stale = wanted.filter((mutant) => patched(mutant) === null);
for (const { name, file } of stale) print(`does not apply: ${name} (${file})`);
if (flags.check || stale.length > 0) Deno.exit(stale.length > 0 ? 1 : 0);

const copy = Deno.makeTempDirSync({ prefix: "hiqlite-mutants-" });
let survivors = 0;
try {
  for (const part of ["src", "tests/sim", "tests/checker", ...SCENARIOS]) {
    copyTree(join(root, part), join(copy, part));
  }
  for (const file of ["deno.json", "deno.lock"]) {
    copyTree(join(root, file), join(copy, file));
  }
  print("| planted bug | in | found by |\n|---|---|---|");
  for (const mutant of wanted) {
    const killer = await hunt(mutant);
    if (killer === null) survivors++;
    print(
      `| ${mutant.name} | \`${mutant.file}\` | ${killer ?? "**nobody**"} |`,
    );
  }
} finally {
  Deno.removeSync(copy, { recursive: true });
}
print(`${wanted.length - survivors} of ${wanted.length} found`);
if (survivors > 0) Deno.exit(1);

/** The file with the bug in it; null if the place is not there exactly once. */
function patched({ file, find, replace }: Mutant, base = root): string | null {
  const text = Deno.readTextFileSync(join(base, "src", file));
  const parts = text.split(find);
  return parts.length === 2 ? parts.join(replace) : null;
}

async function hunt(mutant: Mutant): Promise<string | null> {
  const path = join(copy, "src", mutant.file);
  const original = Deno.readTextFileSync(path);
  Deno.writeTextFileSync(path, patched(mutant, copy)!);
  try {
    return await simulate(mutant) ??
      (flags.quick ? null : await scenarios());
  } finally {
    Deno.writeTextFileSync(path, original);
  }
}

async function simulate({ step }: Mutant): Promise<string | null> {
  const { code, text } = await deno([
    "run",
    "--allow-all",
    "--no-check",
    "tests/sim/main.ts",
    "--tail",
    "0",
    "--seed",
    String(step ?? 1),
    "--seeds",
    flags.seeds,
    ...(step === undefined ? [] : ["--step", String(step)]),
  ]);
  if (code === 0) return null;
  const found = /^seed (\d+): (.*)$/m.exec(text);
  if (found === null) return code === null ? "seeds: no end" : "seeds: crash";
  return `seed ${found[1]}: ${found[2]!.split(":")[0]}`;
}

async function scenarios(): Promise<string | null> {
  const { code, text } = await deno([
    "test",
    "--allow-all",
    "--no-check",
    "--fail-fast",
    ...SCENARIOS,
  ]);
  if (code === 0) return null;
  // deno-lint-ignore no-control-regex -- colours are cut
  const plain = text.replace(/\x1b\[[0-9;]*m/g, "");
  const failed = /^(.*) \.\.\. FAILED/m.exec(plain);
  return failed === null ? "scenarios: crash" : `test “${failed[1]}”`;
}

/** Runs a command in the copy; `code` is null if it had to be ended. */
async function deno(
  args: string[],
): Promise<{ code: number | null; text: string }> {
  const abort = new AbortController();
  const timer = setTimeout(() => abort.abort(), LIMIT_MS);
  try {
    const { code, signal, stdout } = await new Deno.Command(Deno.execPath(), {
      args,
      cwd: copy,
      stdout: "piped",
      stderr: "null",
      signal: abort.signal,
    }).output();
    const text = new TextDecoder().decode(stdout);
    return { code: signal === null ? code : null, text };
  } finally {
    clearTimeout(timer);
  }
}

function copyTree(from: string, to: string): void {
  if (Deno.statSync(from).isFile) return Deno.copyFileSync(from, to);
  Deno.mkdirSync(to, { recursive: true });
  for (const { name } of Deno.readDirSync(from)) {
    copyTree(join(from, name), join(to, name));
  }
}
