import assert from "node:assert/strict";
import { open } from "../../mod.ts";
import { createApp } from "../../src/server/app.ts";
import { HEADERS, SECRET, withApp } from "./with_app.ts";

const APP = "https://app.example.com";
const OTHER = "https://other.example.com";
const HERE = { corsOrigins: [APP, "http://localhost:5173"] };

/** What a browser asks before a page's request with a secret or with JSON. */
function preflight(origin: string): RequestInit {
  return {
    method: "OPTIONS",
    headers: {
      origin,
      "access-control-request-method": "POST",
      "access-control-request-headers": "content-type,x-api-secret",
    },
  };
}

function allowedBy(headers: Headers): string | null {
  return headers.get("access-control-allow-origin");
}

Deno.test("U8 a preflight of a configured origin needs no secret, and says what may be sent", () =>
  withApp(async (ask) => {
    for (const path of ["/api/v1/query", "/api/v1/cache/a/b", "/ready"]) {
      const { status, headers } = await ask(path, undefined, preflight(APP));
      assert.equal(status, 204, path);
      assert.equal(allowedBy(headers), APP);
      assert.equal(headers.get("vary"), "Origin");
      assert.equal(
        headers.get("access-control-allow-methods"),
        "GET, POST, PUT, DELETE",
      );
      const sent = headers.get("access-control-allow-headers")!.split(", ");
      for (
        const name of ["x-api-secret", "authorization", "idempotency-key"]
      ) assert.ok(sent.includes(name), name);
      assert.equal(headers.get("access-control-allow-credentials"), null);
    }
  }, HERE));

Deno.test("U8 pages of other origins are refused before they send anything, by default all", async () => {
  for (const options of [HERE, {}]) {
    await withApp(async (ask, member) => {
      const path = "/api/v1/execute";
      const { status, headers, json } = await ask(
        path,
        undefined,
        preflight(OTHER),
      );
      assert.equal(status, 403);
      assert.equal(allowedBy(headers), null);
      assert.match(json.error.message, /other\.example\.com.*cors_origins/);
      const read = await ask("/api/v1/cluster", undefined, {
        headers: { ...HEADERS, origin: OTHER },
      });
      // What needs no preflight is answered, and the browser keeps it from the page.
      assert.equal(read.status, 200);
      assert.equal(allowedBy(read.headers), null);
      assert.equal(member.writes.length, 0);
    }, options);
  }
});

Deno.test("U8 answers, errors and streams of events are for the page, and for caches that tell origins apart", () =>
  withApp(async (ask) => {
    const headers = { ...HEADERS, origin: APP };
    const answers = [
      await ask("/api/v1/query", { sql: "SELECT 1" }, { headers }),
      await ask("/api/v1/query", { sql: "SELECT nothing" }, { headers }),
      await ask("/api/v1/nothing", undefined, { headers }),
      await ask("/api/v1/query", {}, { headers: { origin: APP } }),
      await ask("/health", undefined, { headers: { origin: APP } }),
    ];
    assert.deepEqual(answers.map(({ status }) => status), [
      200,
      400,
      404,
      401,
      200,
    ]);
    for (const { headers } of answers) {
      assert.equal(allowedBy(headers), APP);
      assert.equal(headers.get("vary"), "Origin");
      assert.match(
        headers.get("access-control-expose-headers")!,
        /\betag\b.*\bx-index\b/,
      );
    }
  }, { ...HERE, failedLoginMs: 0 }));

Deno.test("U8 an asterisk allows every origin, and requests without one are as ever", () =>
  withApp(async (ask) => {
    const asked = await ask("/api/v1/listen", undefined, preflight(OTHER));
    assert.deepEqual([asked.status, allowedBy(asked.headers)], [204, "*"]);
    const page = { headers: { ...HEADERS, origin: OTHER } };
    const answer = await ask("/api/v1/cluster", undefined, page);
    assert.deepEqual([answer.status, allowedBy(answer.headers)], [200, "*"]);
    const script = await ask("/api/v1/cluster");
    assert.deepEqual([script.status, allowedBy(script.headers)], [200, null]);
    // No preflight: a method like any other.
    const options = { method: "OPTIONS", headers: { ...HEADERS, origin: APP } };
    const other = await ask("/api/v1/query", undefined, options);
    assert.equal(other.status, 405);
  }, { corsOrigins: ["*"] }));

Deno.test("U8 a page may follow a stream of events", async () => {
  const dataDir = await Deno.makeTempDir();
  const db = await open({ dataDir, tickMs: 5, readyTimeoutMs: 60_000 });
  try {
    const app = createApp(db.member, { secretApi: SECRET, ...HERE });
    const stream = await app.request("/api/v1/listen?topics=t", {
      headers: { ...HEADERS, origin: APP },
    });
    assert.equal(stream.headers.get("content-type"), "text/event-stream");
    assert.equal(allowedBy(stream.headers), APP);
    await stream.body!.cancel();
  } finally {
    await db.shutdown();
    await Deno.remove(dataDir, { recursive: true });
  }
});
