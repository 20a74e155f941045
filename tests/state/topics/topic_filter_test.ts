import assert from "node:assert/strict";
import { TopicFilter } from "../../../src/state/topics/topic_filter.ts";

Deno.test("a filter takes names, and beginnings of names", () => {
  const filter = new TopicFilter(["orders.*", "users", "x*"]);
  for (const topic of ["orders.", "orders.new", "users", "x", "xy"]) {
    assert.ok(filter.matches(topic), topic);
  }
  for (const topic of ["orders", "Orders.new", "users.new", "y"]) {
    assert.ok(!filter.matches(topic), topic);
  }
  assert.ok(new TopicFilter(["*"]).matches("anything"));
});

Deno.test("a filter refuses what is no topic, and stars elsewhere than at the end", () => {
  for (
    const topics of [
      [],
      [""],
      ["a b"],
      ["*.new"],
      ["a*b"],
      ["a**"],
      ["x".repeat(65)],
      ["a", 7 as unknown as string],
      Array(101).fill("a"),
    ]
  ) {
    assert.throws(() => new TopicFilter(topics), /^HiqliteError: listen: /);
  }
});
