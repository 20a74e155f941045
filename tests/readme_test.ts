import assert from "node:assert/strict";
import { describeVariables } from "../src/config/describe.ts";

const readme = Deno.readTextFileSync(new URL("../README.md", import.meta.url));

Deno.test("the README lists every variable with its default and meaning", () => {
  for (const { env, fallback, about } of describeVariables()) {
    const row = readme.split("\n").find((line) =>
      line.startsWith("|") && line.includes(`\`${env}\``)
    );
    assert.ok(row, `${env} is missing`);
    for (const cell of [fallback, about]) {
      assert.ok(row.includes(cell.replaceAll("\n", " ")), `${env}: ${cell}`);
    }
  }
});

Deno.test("the README has no open places", () => {
  assert.doesNotMatch(readme, /@@/);
});

Deno.test("the README's example of a Hono app is the one that is tested", () => {
  const example = Deno.readTextFileSync(
    new URL("./examples/hono_test.ts", import.meta.url),
  );
  assert.ok(readme.includes(`\`\`\`ts\n${example}\`\`\`\n`));
});
