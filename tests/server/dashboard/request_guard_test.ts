import assert from "node:assert/strict";
import { refuseCrossSite } from "../../../src/server/dashboard/request_guard.ts";

/** Whether a request that changes something is let in with these headers. */
function isLetIn(headers: Record<string, string>): boolean {
  const url = "http://10.0.0.1:8200/dashboard/api/session";
  try {
    refuseCrossSite(new Request(url, { method: "POST", headers }));
    return true;
  } catch (error) {
    assert.equal((error as { code?: string }).code, "forbidden");
    return false;
  }
}

Deno.test("behind a proxy a page is of the host that its browser asked, and other sites are others still", () => {
  const host = "10.0.0.1:8200";
  const proxied = { host, "x-forwarded-host": "db.example.com" };
  const origin = "http://db.example.com";
  assert.equal(isLetIn({ host, origin: `http://${host}` }), true);
  assert.equal(isLetIn({ ...proxied, origin }), true);
  assert.equal(isLetIn({ host, origin }), false);
  assert.equal(isLetIn({ ...proxied, origin: `http://${host}` }), false);
  assert.equal(isLetIn({ ...proxied, origin: "http://evil.example" }), false);
  assert.equal(isLetIn(proxied), false);
  const cross = { ...proxied, origin, "sec-fetch-site": "cross-site" };
  assert.equal(isLetIn(cross), false);
});
