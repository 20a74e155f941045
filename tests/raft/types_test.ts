import assert from "node:assert/strict";
import { nodeIdOf } from "../../src/raft/types.ts";

Deno.test("nodeIdOf() is the number before the incarnation", () => {
  assert.equal(nodeIdOf("3.0123456789abcdef"), 3);
  assert.equal(nodeIdOf("12.0000000000000000"), 12);
});
