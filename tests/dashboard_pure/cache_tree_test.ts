import assert from "node:assert/strict";
import { groupsBelow, prefixesOf } from "../../dashboard/cache_tree.ts";

Deno.test("keys that begin alike are a group; one alone is none", () => {
  const keys = ["user/1/name", "user/2/name", "page:home", "x", "other/only"];
  assert.deepEqual(groupsBelow(keys, ""), [
    { prefix: "user/", name: "user/", count: 2 },
  ]);
  assert.deepEqual(groupsBelow([...keys, "user/1/age"], "user/"), [
    { prefix: "user/1/", name: "1/", count: 2 },
  ]);
});

Deno.test("the way down to a prefix", () => {
  assert.deepEqual(prefixesOf("a/b:c").map(({ prefix }) => prefix), [
    "a/",
    "a/b:",
    "a/b:c",
  ]);
  assert.deepEqual(prefixesOf(""), []);
});
