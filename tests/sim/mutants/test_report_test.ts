import assert from "node:assert/strict";
import { failuresIn, only } from "./test_report.ts";

Deno.test("a failed test is known by the file it ran in, each once, and of a step its test", () => {
  const printed = [
    "./tests/a_test.ts => it adds ... ok (1ms)",
    "./tests/a_test.ts => it waits ... ignored (0ms)",
    "./tests/a_test.ts => it counts ... from one ... FAILED (1ms)",
    "./tests/a_test.ts => it counts ... FAILED (due to 1 failed step) (1ms)",
    "./tests/a_test.ts => for all drivers [node] ... FAILED (2ms)",
    " ERRORS ",
    "it counts ... from one => ./tests/a_test.ts:7:8",
    "for all drivers [node] => ./tests/drivers.ts:62:10",
    "error: AssertionError: ./tests/a_test.ts => is no test",
  ];
  assert.deepEqual(failuresIn(printed), [
    { file: "tests/a_test.ts", test: "it counts" },
    { file: "tests/a_test.ts", test: "for all drivers [node]" },
  ]);
});

Deno.test("a file whose code threw outside of its tests failed as a whole", () => {
  assert.deepEqual(
    failuresIn([
      "Uncaught error from ./tests/a_test.ts FAILED",
      "./tests/a_test.ts => x ... cancelled (0ms)",
      "./tests/a_test.ts (uncaught error)",
      "./tests/a_test.ts (uncaught error)",
    ]),
    [{ file: "tests/a_test.ts" }],
  );
});

Deno.test("a test runs alone by its whole name, whatever is in it", () => {
  const file = "tests/a_test.ts";
  assert.deepEqual(only({ file }), [file]);
  const [flag, filter, path] = only({ file, test: "a/b (c) [d]" });
  assert.deepEqual([flag, path], ["--filter", file]);
  const pattern = new RegExp(filter!.slice(1, -1));
  assert.match("a/b (c) [d]", pattern);
  assert.doesNotMatch("a/b (c) [d] and more", pattern);
});
