import assert from "node:assert/strict";
import { dirname, join, relative } from "node:path";
import {
  fileURLToPath as fromFileUrl,
  pathToFileURL as toFileUrl,
} from "node:url";

/** Who may import whom: a folder may import itself and what is listed. DESIGN: imports point downward only. */
const LAYERS: Record<string, readonly string[]> = {
  "src/util": [],
  "src/errors.ts": [],
  "src/raft": ["src/util"],
  "src/config": ["src/util", "src/errors.ts", "src/raft/types.ts"],
  "src/log": ["src/util", "src/errors.ts", "src/raft"],
  "src/state": ["src/util", "src/errors.ts", "src/raft"],
  "src/network": ["src/util", "src/errors.ts", "src/raft"],
  "src/node": [
    "src/util",
    "src/errors.ts",
    "src/raft",
    "src/config",
    "src/log",
    "src/state",
    "src/network",
  ],
  "src/client": [
    "src/util",
    "src/errors.ts",
    "src/raft/types.ts",
    "src/state/types.ts",
    "src/node/port.ts",
  ],
  "src/server": [
    "src/util",
    "src/errors.ts",
    "src/raft/types.ts",
    "src/config",
    "src/state",
    "src/node",
    "src/client",
  ],
  "src/cli": [
    "src/util",
    "src/errors.ts",
    "src/node/port.ts",
    "src/config",
    "src/client",
    "src/server",
  ],
  "mod.ts": ["src"],
  "cli.ts": ["src", "deno.json"],
};

/** One file names the concrete classes of log, network and state machine. */
const WIRING = "src/node/open.ts";
const LINES_MAX = 600;
const root = join(dirname(fromFileUrl(import.meta.url)), "..");

function* sources(folder: string): Generator<string> {
  for (const entry of Deno.readDirSync(join(root, folder))) {
    const path = folder === "" ? entry.name : `${folder}/${entry.name}`;
    if (entry.isDirectory) yield* sources(path);
    else if (path.endsWith(".ts")) yield path;
  }
}

function importsOf(path: string): string[] {
  const text = Deno.readTextFileSync(join(root, path));
  const pattern = /(?:from\s+|import\s*\(?\s*)"(\.[^"]+)"/g;
  return [...text.matchAll(pattern)].map(([, target]) => {
    const url = new URL(target!, toFileUrl(join(root, path)));
    return relative(root, fromFileUrl(url));
  });
}

function layerOf(path: string): string | undefined {
  return Object.keys(LAYERS).find((layer) => within(path, layer));
}

function within(path: string, layer: string): boolean {
  return path === layer || path.startsWith(layer + "/");
}

const files = [...sources("src"), "mod.ts", "cli.ts"];

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
    .filter((file) => file !== WIRING)
    .flatMap((file) =>
      importsOf(file).filter((target) => concrete.test(target))
        .map((target) => `${file} imports ${target}`)
    );
  assert.deepEqual(wrong, []);
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
    Deno.readTextFileSync(join(root, file)).split("\n").length > LINES_MAX
  );
  assert.deepEqual(long, []);
});

Deno.test("only programs print or exit: cli.ts, and the process of a reader", () => {
  const reader = "src/state/sqlite/reader_process.ts";
  const wrong = [...sources("src"), "mod.ts"].filter((file) =>
    file !== reader &&
    /\bconsole\.|Deno\.exit\(/.test(
      withoutComments(Deno.readTextFileSync(join(root, file))),
    )
  );
  assert.deepEqual(wrong, []);
});

function withoutComments(code: string): string {
  return code.replaceAll(/\/\*[\s\S]*?\*\//g, "").replaceAll(/\/\/.*$/gm, "");
}
