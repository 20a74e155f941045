import assert from "node:assert/strict";
import fc from "fast-check";
import { href, parseRoute } from "../../dashboard/route.ts";

Deno.test("an empty fragment is the overview, an unknown page is none", () => {
  for (const hash of ["", "#", "#/"]) {
    assert.equal(parseRoute(hash).page, "overview");
  }
  assert.equal(parseRoute("#/nowhere").page, "unknown");
  assert.equal(parseRoute("#/constructor").page, "unknown");
});

Deno.test("a place survives its link, whatever its names contain", () => {
  const text = fc.string({ unit: "grapheme", minLength: 1 });
  fc.assert(fc.property(
    fc.array(text),
    fc.dictionary(text, fc.string({ unit: "grapheme" })),
    (path, query) => {
      const route = parseRoute(href("data", path, query));
      assert.equal(route.page, "data");
      assert.deepEqual(route.path, path);
      assert.deepEqual({ ...Object.fromEntries(route.query) }, { ...query });
    },
  ));
});

Deno.test("a fragment that cannot be decoded is taken as it is", () => {
  assert.deepEqual(parseRoute("#/data/100%").path, ["100%"]);
});
