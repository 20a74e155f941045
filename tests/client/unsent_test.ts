import assert from "node:assert/strict";
import { connect } from "../../src/client/remote.ts";
import { HiqliteError } from "../../src/errors.ts";

/** How a put ends at these addresses, and after how many requests. */
async function putAt(
  urls: readonly string[],
  answer: typeof fetch,
): Promise<{ error: HiqliteError; requests: number }> {
  let requests = 0;
  await using client = connect({
    urls,
    secret: "x",
    timeoutMs: 10_000,
    fetch: (input, init) => {
      requests++;
      return answer(input, init);
    },
  });
  const error = await client.cache("c").put("k", 1).catch((error) => error);
  assert.ok(error instanceof HiqliteError, String(error));
  return { error, requests };
}

const DENO_DNS = new TypeError("fetch failed", {
  cause: new Error(
    "error sending request for url (http://nonsense/): client error (Connect): dns error: failed to lookup address information: Name or service not known",
  ),
});
const NODE_DNS = new TypeError("fetch failed", {
  cause: Object.assign(new Error("getaddrinfo ENOTFOUND nonsense"), {
    code: "ENOTFOUND",
  }),
});

Deno.test("an address that can never work fails at once, and says that nothing was sent", async () => {
  const port = await putAt(["127.0.0.1:1"], fetch);
  assert.equal(port.requests, 1);
  assert.equal(port.error.code, "no_leader");
  assert.equal(
    port.error.message,
    "http://127.0.0.1:1 has a port that fetch() may not use, so that no member can be there; nothing was sent",
  );
  for (const failure of [DENO_DNS, NODE_DNS]) {
    const host = await putAt(
      ["nonsense", "nonsense2"],
      () => Promise.reject(failure),
    );
    assert.equal(host.requests, 2);
    assert.match(host.error.message, /its host has no address; nothing was/);
  }
});

Deno.test("an address that cannot work does not keep a client from another one", async () => {
  const refusal = { error: { code: "invalid", message: "mine" } };
  const { error } = await putAt(
    ["nonsense", "there"],
    (input) =>
      String(input).startsWith("http://there")
        ? Promise.resolve(Response.json(refusal, { status: 400 }))
        : Promise.reject(DENO_DNS),
  );
  assert.equal(error.message, "mine");
});
