import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { printed } from "./children.ts";

const PROGRAM = fileURLToPath(new URL("./long_statements.ts", import.meta.url));

Deno.test("U19 the input itself: long statements of 0.9 MiB do not stay in memory", () => {
  const grown = Number(printed(
    Deno.execPath(),
    ...["run", "--no-check", "--quiet", "--allow-all", PROGRAM],
  ));
  // 36 MB; 183 MB if they are kept.
  assert.ok(grown > 0 && grown < 100e6, `${Math.round(grown / 1e6)} MB more`);
});
