import assert from "node:assert/strict";

const DECISIONS = new URL("../src/decisions/", import.meta.url);
const ROOT = new URL("../", import.meta.url);
const HEADINGS = [
  "The choice",
  "Why",
  "What it costs",
  "What would change it",
];

const pages = [...Deno.readDirSync(DECISIONS)].map(({ name }) => name)
  .filter((name) => name !== "README.md").sort();

function read(name: string): string {
  return Deno.readTextFileSync(new URL(name, DECISIONS));
}

Deno.test("each decision has a number, a title and the same four headings", () => {
  const numbers = new Set<string>();
  for (const name of pages) {
    assert.match(name, /^(\d|[1-9]\d)\d-[a-z0-9-]+\.md$/);
    const [number] = name.split("-");
    assert.ok(!numbers.has(number!), `two decisions are number ${number}`);
    numbers.add(number!);
    const text = read(name);
    assert.ok(text.startsWith(`# ${number} `), name);
    const headings = [...text.matchAll(/^## (.+)$/gm)].map(([, found]) =>
      found
    );
    assert.deepEqual(headings, HEADINGS, name);
  }
});

Deno.test("the index lists every decision once, with its title", () => {
  const listed = [
    ...read("README.md").matchAll(
      /^\| (\d{2,3}) +\| \[(.+?)\]\((\d{2,3}-[a-z0-9-]+\.md)\) +\| \S/gm,
    ),
  ].map(([, number, title, name]) => [name, `# ${number} ${title}`]);
  const titles = pages.map((name) => [name, read(name).split("\n", 1)[0]]);
  // The index is by subject, the numbers are by time.
  assert.deepEqual(listed.sort(), titles.sort());
});

Deno.test("files that the map and the decisions name exist", () => {
  const map = Deno.readTextFileSync(new URL("src/README.md", ROOT));
  let named = 0;
  const short =
    /(?<![\w/])(?:api|client|config|group|log|network|node|raft|server|state|util)\/[\w/]+\.ts/g;
  for (const [path] of map.matchAll(short)) {
    Deno.statSync(new URL(`src/${path}`, ROOT));
    named++;
  }
  for (const text of [map, ...pages.map(read)]) {
    const paths = text.matchAll(
      /`((?:src|tests|bench)\/[\w/.-]*(?:\.ts|\.md|\/))`/g,
    );
    for (const [, path] of paths) {
      Deno.statSync(new URL(path!, ROOT));
      named++;
    }
  }
  assert.ok(named > 100, `${named} paths are named`);
});
