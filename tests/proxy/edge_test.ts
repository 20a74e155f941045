import assert from "node:assert/strict";
import { connect as dial } from "node:net";
import {
  PROXIED_HEADER,
  ProxiedAddresses,
} from "../../src/server/proxied_address.ts";
import { Proxy, type ProxyOptions } from "../../src/proxy/proxy.ts";
import { silentLogger } from "../../src/util/logger.ts";

const SECRET = "api-secret-0123456789";
const ORIGIN = "https://app.example.com";

interface Sent {
  readonly method: string;
  readonly headers: Headers;
}

/** A proxy before one member, and what that member was sent. */
async function withProxy(
  run: (url: string, sent: Sent[]) => Promise<void>,
  answer: () => Response = () => Response.json({}),
  options: Partial<ProxyOptions> = {},
): Promise<void> {
  const sent: Sent[] = [];
  await using member = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    async (request) => {
      await request.arrayBuffer();
      const { pathname } = new URL(request.url);
      if (pathname === "/ready" || pathname === "/api/v1/cluster") {
        return Response.json({ leader: 1, members: [] });
      }
      const { method, headers } = request;
      sent.push({ method, headers: new Headers(headers) });
      return answer();
    },
  );
  await using proxy = new Proxy({
    urls: [`http://127.0.0.1:${member.addr.port}`],
    secretApi: SECRET,
    hostname: "127.0.0.1",
    port: 0,
    logger: silentLogger,
    fetch,
    failedLoginMs: 0,
    ...options,
  });
  await run(`http://127.0.0.1:${proxy.port}`, sent);
}

/** What the proxy answers to a request that `fetch` would not send. */
async function answerTo(url: string, request: string): Promise<string> {
  const socket = dial(Number(new URL(url).port), "127.0.0.1");
  socket.setTimeout(30_000, () => socket.destroy(new Error("no answer")));
  socket.write(request);
  let answer = "";
  for await (const bytes of socket) {
    answer += bytes;
    if (answer.includes("}}")) break;
  }
  return answer;
}

Deno.test("members are told by the proxy alone from where what is outside of the API comes", () =>
  withProxy(async (url, sent) => {
    const forged = new ProxiedAddresses(["other"]).told("10.9.9.9", Date.now());
    for (const path of ["/dashboard/api/session", "/api/v1/query"]) {
      const response = await fetch(`${url}${path}`, {
        headers: { [PROXIED_HEADER]: forged, "x-api-secret": SECRET },
      });
      await response.body?.cancel();
    }
    const [page, api] = sent as [Sent, Sent];
    const read = new ProxiedAddresses([SECRET]);
    const told = page.headers.get(PROXIED_HEADER)!;
    assert.equal(read.read(told, Date.now()), "127.0.0.1");
    assert.equal(api.headers.get(PROXIED_HEADER), null);
  }));

Deno.test("a method that cannot be sent on is the client's mistake, not a member that was lost", () =>
  withProxy(async (url, sent) => {
    for (const line of ["TRACE /dashboard", "TRACK /x", "CONNECT a:80"]) {
      const answer = await answerTo(url, `${line} HTTP/1.1\r\nhost: a\r\n\r\n`);
      assert.match(answer, /^HTTP\/1\.1 400 /);
      assert.match(answer, /"code":"invalid"/);
    }
    assert.equal(sent.length, 0);
  }));

Deno.test("a body that is announced as too large is refused before it comes", () =>
  withProxy(async (url, sent) => {
    const answer = await answerTo(
      url,
      `POST /api/v1/query HTTP/1.1\r\nhost: a\r\nx-api-secret: ${SECRET}\r\ncontent-length: 99999999999\r\n\r\n{`,
    );
    assert.match(answer, /^HTTP\/1\.1 413 /);
    assert.match(answer, /"code":"too_large"/);
    assert.match(answer, /^connection: close\r$/mi);
    assert.equal(sent.length, 0);
  }));

Deno.test("what shows no credential never gets to a member, and its body is not read", () =>
  withProxy(async (url, sent) => {
    // The body never comes.
    const answer = await answerTo(
      url,
      "POST /api/v1/execute HTTP/1.1\r\nhost: a\r\ncontent-length: 1000\r\n\r\n{",
    );
    // The connection could not be used again.
    assert.match(answer, /^connection: close\r$/mi);
    assert.match(answer, /^HTTP\/1\.1 401 /);
    assert.match(answer, /^www-authenticate: Bearer\r$/mi);
    assert.match(answer, /"code":"unauthorized"/);
    assert.equal(sent.length, 0);
  }));

Deno.test("what the proxy refuses is shown to pages of configured origins, as what members answer", () =>
  withProxy(
    async (url, sent) => {
      for (const [origin, shown] of [[ORIGIN, ORIGIN], ["https://b", null]]) {
        const refused = await fetch(`${url}/api/v1/query`, {
          method: "POST",
          body: "{}",
          headers: { origin: origin!, "x-api-secret": "wrong" },
        });
        await refused.body?.cancel();
        assert.equal(refused.status, 401);
        const { headers } = refused;
        assert.equal(headers.get("access-control-allow-origin"), shown);
      }
      // A browser asks without a secret; members know the answer.
      const preflight = await fetch(`${url}/api/v1/query`, {
        method: "OPTIONS",
        headers: { origin: ORIGIN, "access-control-request-method": "POST" },
      });
      await preflight.body?.cancel();
      assert.equal(preflight.status, 200);
      assert.deepEqual(sent.map(({ method }) => method), ["OPTIONS"]);
    },
    () => Response.json({}),
    { corsOrigins: [ORIGIN] },
  ));

Deno.test("the dashboard passes: without a secret, its redirects and cookies, and the host that was asked", () =>
  withProxy(
    async (url, sent) => {
      const response = await fetch(`${url}/dashboard`, {
        redirect: "manual",
        headers: { cookie: "session=1", "x-forwarded-host": "elsewhere" },
      });
      await response.body?.cancel();
      assert.equal(response.status, 308);
      assert.equal(response.headers.get("location"), "dashboard/");
      assert.deepEqual(response.headers.getSetCookie(), ["a=1", "b=2"]);
      const [{ headers }] = sent as [Sent];
      assert.equal(headers.get("cookie"), "session=1");
      assert.equal(headers.get("x-forwarded-host"), new URL(url).host);
    },
    () =>
      new Response(null, {
        status: 308,
        headers: [
          ["location", "dashboard/"],
          ["set-cookie", "a=1"],
          ["set-cookie", "b=2"],
        ],
      }),
  ));
