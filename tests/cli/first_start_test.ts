import assert from "node:assert/strict";
import { firstStartLines } from "../../src/cli/first_start.ts";

Deno.test("the first start prints a link that signs in, or how to build the page that it would open", () => {
  const url = "http://127.0.0.1:8200";
  const look = (link: string | null): string =>
    firstStartLines("data", url, link).find((line) => line.startsWith("Look"))!;
  const link = `${url}/dashboard/#login=x`;
  assert.ok(look(link).includes(link));
  assert.match(look(null), /deno task dashboard:build/);
  assert.ok(!look(null).includes("http"));
});
