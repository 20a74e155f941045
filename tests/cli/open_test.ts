import assert from "node:assert/strict";
import { freePorts } from "../ports.ts";
import { run } from "./fake_terminal.ts";

Deno.test("hiqlite open says of a member that is not there that nobody listens there", async () => {
  const url = `http://127.0.0.1:${freePorts(1)[0]}`;
  const { code, out, error } = await run(["open", "--url", url], {
    HQL_SECRET_API: "a-secret-of-nobody",
  });
  assert.deepEqual([code, out], [1, ""]);
  assert.equal(
    error,
    `hiqlite open: ${url} refuses connections: no member listens there`,
  );
});
