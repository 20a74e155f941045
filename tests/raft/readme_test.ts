/** The README's tables name tests that exist. */
import assert from "node:assert/strict";

const HERE = new URL(".", import.meta.url);
const TESTS = new URL("..", HERE);

/** What stands where a title has a parameter. */
const HOLE = /\$\{[^}]*\}/;

/** Titles as they stand in a source, with the source: parameters are looked for in it. */
function* titles(): Generator<{ title: string; source: string }> {
  for (const file of sources(TESTS)) {
    const source = Deno.readTextFileSync(file);
    const strings =
      /(?:Deno\.test|\btest|fuzz)\(\s*(["`])((?:\\.|(?!\1).)*)\1|^ {4}"(\w+\(\) [^"]+)",$/gm;
    for (const [call, , title, row] of source.matchAll(strings)) {
      const text = (title ?? row)!.replaceAll("\\`", "`");
      yield {
        title: call.startsWith("fuzz") ? `fuzzy: ${text}` : text,
        source,
      };
    }
  }
}

function* sources(folder: URL): Generator<URL> {
  for (const { name, isDirectory } of Deno.readDirSync(folder)) {
    if (isDirectory) yield* sources(new URL(`${name}/`, folder));
    else if (name.endsWith(".ts")) yield new URL(name, folder);
  }
}

/** Whether the title can become the name, with parameters that its source has. */
function fits(name: string, title: string, source: string): boolean {
  const isStart = name.endsWith("…");
  const wanted = isStart ? name.slice(0, -1) : name;
  if (isStart && title.startsWith(wanted)) return true;
  const pattern = title.split(HOLE).map((text) => RegExp.escape(text));
  // A beginning fits as well as the whole, once the parameters are in.
  const [head, ...rest] = pattern;
  const whole = rest.length === 0
    ? head!
    : `${head}${rest.map((text) => `(.+?)${text}`).join("")}`;
  const found = isStart
    ? new RegExp(`^${head}([^:]+): `).exec(wanted)
    : new RegExp(`^${whole}$`).exec(wanted);
  if (found === null || (isStart && rest.length === 0)) return false;
  return found.slice(1).every((value) => source.includes(`"${value}"`));
}

Deno.test("the tests that the README names exist", () => {
  const readme = Deno.readTextFileSync(new URL("README.md", HERE));
  const known = [...titles()];
  const from = readme.indexOf("## The checklist");
  const to = readme.indexOf("## Every state");
  assert.ok(from > 0 && to > from);
  const rows = readme.slice(from, to).split("\n")
    .filter((line) => line.startsWith("|"));
  let named = 0;
  for (const row of rows) {
    const code = /(?:^|[^`])(?:`` (.+?) ``|`([^`]+)`)(?!`)/g;
    for (const [, double, single] of row.matchAll(code)) {
      const name = (double ?? single)!;
      if (!name.includes(" ") && !name.endsWith(":…")) continue;
      const exists = known.some(({ title, source }) =>
        fits(name, title, source)
      );
      assert.ok(exists, `no test is named ${name}`);
      named++;
    }
  }
  assert.ok(named > 180, `${named} tests are named`);
});
