import assert from "node:assert/strict";
import { dirname, join, normalize, relative } from "node:path";
import {
  fileURLToPath as fromFileUrl,
  pathToFileURL as toFileUrl,
} from "node:url";

const root = join(dirname(fromFileUrl(import.meta.url)), "..");

/** Who may import whom, from the table of src/README.md: a folder may import itself and what its row lists. */
const LAYERS: Readonly<Record<string, readonly string[]>> = {
  ...layersOf(Deno.readTextFileSync(join(root, "src/README.md"))),
  "mod.ts": ["src"],
  "cli.ts": ["src", "deno.json"],
};

function layersOf(readme: string): Record<string, string[]> {
  const layers: Record<string, string[]> = {};
  for (const row of readme.matchAll(/^\| `([^`]+)`\s*\|[^|]*\|([^|]*)\|$/gm)) {
    const [, folder, imports] = row;
    layers[pathOf(folder!)] = [...imports!.matchAll(/`([^`]+)`/g)]
      .map(([, target]) => pathOf(target!));
  }
  return layers;
}

function pathOf(name: string): string {
  return normalize(`src/${name}`).replace(/\/$/, "");
}

/** These files name the concrete classes of log, network and state machine. */
const WIRING = /^src\/node\/open[a-z_]*\.ts$/;
/** Made by `deno task dashboard:build`: a checkout need not have it. */
const BUILT_PAGE = "dist/dashboard.json";
const LINES_MAX = 400;
const FUNCTION_LINES_MAX = 70;
function* sources(folder: string): Generator<string> {
  for (const entry of Deno.readDirSync(join(root, folder))) {
    const path = folder === "" ? entry.name : `${folder}/${entry.name}`;
    if (entry.isDirectory) yield* sources(path);
    else if (/\.tsx?$/.test(path)) yield path;
  }
}

function importsOf(path: string): string[] {
  const text = Deno.readTextFileSync(join(root, path));
  const pattern = /(?:from\s+|import\s*\(?\s*)"(\.[^"]+)"/g;
  return [...text.matchAll(pattern)].map(([, target]) => {
    const url = new URL(target!, toFileUrl(join(root, path)));
    return relative(root, fromFileUrl(url));
  }).filter((target) => target !== BUILT_PAGE);
}

function layerOf(path: string): string | undefined {
  return Object.keys(LAYERS).filter((layer) => within(path, layer))
    .sort((a, b) => b.length - a.length)[0];
}

function within(path: string, layer: string): boolean {
  return path === layer || path.startsWith(layer + "/");
}

const program = [...sources("src"), "mod.ts", "cli.ts"];
const files = [...program, ...sources("dashboard")];

Deno.test("the map's table names folders and files that exist", () => {
  const named = Object.entries(LAYERS).flat(2);
  assert.ok(named.length > 100, "the table was not found");
  for (const path of named) Deno.statSync(join(root, path));
});

Deno.test("imports point downward only", () => {
  const wrong: string[] = [];
  for (const file of files) {
    const layer = layerOf(file);
    assert.ok(layer, `${file} is in no layer`);
    for (const target of importsOf(file)) {
      const allowed = [layer, ...LAYERS[layer]!];
      if (!allowed.some((other) => within(target, other))) {
        wrong.push(`${file} imports ${target}`);
      }
    }
  }
  assert.deepEqual(wrong, []);
});

Deno.test("node/ uses log, network and state machines through their ports", () => {
  const concrete =
    /^src\/(log\/(segment|real_disk|memory)|network\/(links|memory)|state\/sqlite)/;
  const wrong = files.filter((file) => within(file, "src/node"))
    .filter((file) => !WIRING.test(file))
    .flatMap((file) =>
      importsOf(file).filter((target) => concrete.test(target))
        .map((target) => `${file} imports ${target}`)
    );
  assert.deepEqual(wrong, []);
});

Deno.test("only one file knows where the dashboard's page is built", () => {
  const knowing = [...sources("src")].filter((file) =>
    Deno.readTextFileSync(join(root, file)).includes(BUILT_PAGE)
  );
  assert.deepEqual(knowing, ["src/server/dashboard/page.ts"]);
});

Deno.test("no import cycles", () => {
  const done = new Set<string>();
  const path: string[] = [];
  const visit = (file: string): void => {
    if (done.has(file)) return;
    const at = path.indexOf(file);
    assert.equal(at, -1, `cycle: ${[...path.slice(at), file].join(" -> ")}`);
    path.push(file);
    for (const target of importsOf(file)) visit(target);
    path.pop();
    done.add(file);
  };
  for (const file of files) visit(file);
});

Deno.test("src/raft is pure: no I/O, clock, randomness or await", () => {
  const impure =
    /\b(await|async|Promise|Deno|Date|Math\.random|setTimeout|setInterval|queueMicrotask|performance|crypto|fetch)\b|"node:/;
  for (const file of sources("src/raft")) {
    const code = withoutComments(Deno.readTextFileSync(join(root, file)));
    const found = code.split("\n").find((line) => impure.test(line));
    assert.equal(found, undefined, `${file}: ${found}`);
  }
});

Deno.test("files stay small", () => {
  const long = files.filter((file) =>
    Deno.readTextFileSync(join(root, file)).trimEnd().split("\n").length >
      LINES_MAX
  );
  assert.deepEqual(long, []);
});

Deno.test("no name stands for two things", () => {
  const places = new Map<string, Set<string>>();
  const declared =
    /^(export )?(?:abstract )?(?:async )?(class|interface|type|enum|function\*?|const) (\w+)/gm;
  for (const file of program) {
    const text = Deno.readTextFileSync(join(root, file));
    for (const [, exported, kind, name] of text.matchAll(declared)) {
      // What a file keeps to itself is told apart by its file, unless it is a type.
      if (!exported && /^(function|const)/.test(kind!)) continue;
      const known = places.get(name!) ?? new Set();
      places.set(name!, known.add(file));
    }
  }
  const doubled = [...places].filter(([, where]) => where.size > 1)
    .map(([name, where]) => `${name}: ${[...where].join(", ")}`);
  assert.deepEqual(doubled, []);
});

Deno.test("functions stay small", () => {
  const long: string[] = [];
  for (const file of files) {
    const lines = Deno.readTextFileSync(join(root, file)).split("\n");
    for (const { name, length } of functionsOf(lines)) {
      if (length > FUNCTION_LINES_MAX) {
        long.push(`${file} ${name}: ${length} lines`);
      }
    }
  }
  assert.deepEqual(long, []);
});

/** Functions and methods with their lengths: formatted code closes each at the indentation where it begins. */
function* functionsOf(
  lines: readonly string[],
): Generator<{ name: string; length: number }> {
  const start =
    /^( *)(?:export )?(?:default )?(?:static |override |private )*(?:async )?(?:function\*? |get |set |\*)?(#?\w+)[<(]/;
  const arrow =
    /^( *)(?:export )?const (\w+)\b.*[=(]$|^( *)(?:export )?const (\w+)\b.*=> \{$/;
  for (const [at, line] of lines.entries()) {
    const found = start.exec(line) ?? arrow.exec(line);
    if (found === null) continue;
    const indent = found[1] ?? found[3] ?? "";
    const name = found[2] ?? found[4]!;
    if (/^(if|for|while|switch|return|catch|super|await)$/.test(name)) continue;
    const end = lines.findIndex((other, index) =>
      index > at && other.startsWith(indent) && other[indent.length] !== " " &&
      other !== "" && !other.startsWith(`${indent})`)
    );
    if (end > 0 && lines[end]!.startsWith(`${indent}}`)) {
      yield { name, length: end - at + 1 };
    }
  }
}

Deno.test("only programs print or exit: cli.ts, and the children of a member", () => {
  const child = "src/state/sqlite/child.ts";
  const wrong = [...sources("src"), "mod.ts"].filter((file) =>
    file !== child &&
    /\bconsole\.|Deno\.exit\(/.test(
      withoutComments(Deno.readTextFileSync(join(root, file))),
    )
  );
  assert.deepEqual(wrong, []);
});

Deno.test("no example in a docstring is kept from running", () => {
  const wrong = files.filter((file) =>
    /```\w+ (ignore|no_run)/.test(Deno.readTextFileSync(join(root, file)))
  );
  assert.deepEqual(wrong, []);
});

function withoutComments(code: string): string {
  return code.replaceAll(/\/\*[\s\S]*?\*\//g, "").replaceAll(/\/\/.*$/gm, "");
}
