import assert from "node:assert/strict";
import { Direct } from "./direct.ts";

Deno.test("U19 the input itself: long statements of 0.9 MiB do not stay in memory", () => {
  using member = new Direct();
  member.ok("CREATE TABLE t (x)");
  const text = "x".repeat(0.9 * 1024 * 1024);
  const before = Deno.memoryUsage().rss;
  for (let i = 0; i < 160; i++) {
    member.ok(`INSERT INTO t SELECT ${i} WHERE '${text}' IS NULL`);
  }
  // It was 7 MB for each one kept.
  const grown = Deno.memoryUsage().rss - before;
  assert.ok(grown < 250e6, `${Math.round(grown / 1e6)} MB more`);
});
