import assert from "node:assert/strict";
import { drawToken } from "../../src/api/token_text.ts";
import { Credentials } from "../../src/proxy/credentials.ts";
import { FailedLogins } from "../../src/server/failed_logins.ts";

const SECRET = "api-secret-0123456789";
const BEFORE = "api-secret-of-before";
const MEMBERS = [{ url: "http://a" }, { url: "http://b" }];

/** Members that answer as they are told, and who was asked about what. */
class Scene {
  nowMs = 0;
  readonly asked: string[] = [];
  readonly failed = new FailedLogins({ delayMs: 0 });
  readonly credentials: Credentials;

  constructor(
    answer: (member: string) => Response | Promise<Response>,
    members: readonly { readonly url: string }[] = MEMBERS,
  ) {
    this.credentials = new Credentials({
      secrets: [SECRET, BEFORE],
      members: () => members,
      fetch: async (input, init) => {
        const { host, pathname } = new URL(String(input));
        assert.equal(pathname, "/api/v1/caches");
        const sent = new Headers(init!.headers).get("x-api-secret")!;
        this.asked.push(`${host} ${sent}`);
        return await answer(host);
      },
      failed: this.failed,
      now: () => this.nowMs,
    });
  }

  /** `ok`, or the error's code. */
  check(
    headers: Record<string, string>,
    address = "10.0.0.1",
  ): Promise<string> {
    return this.credentials.check(new Headers(headers), address)
      .then(() => "ok", (error) => error.code);
  }
}

function status(code: number): Response {
  return new Response("{}", { status: code });
}

Deno.test("the proxy itself knows secrets, and what can be none; no member is asked", async () => {
  const scene = new Scene(() => status(200));
  assert.equal(await scene.check({ "x-api-secret": SECRET }), "ok");
  assert.equal(await scene.check({ "x-api-secret": BEFORE }), "ok");
  assert.equal(await scene.check({ authorization: `bearer ${SECRET}` }), "ok");
  assert.equal(scene.failed.total, 0);
  const { token } = await drawToken();
  for (
    const headers of [
      {},
      { "x-api-secret": "" },
      { "x-api-secret": `${SECRET}x` },
      { authorization: `Basic ${SECRET}` },
      { "x-api-secret": `${token}x` },
    ]
  ) assert.equal(await scene.check(headers), "unauthorized");
  assert.equal(scene.failed.total, 5);
  assert.deepEqual(scene.asked, []);
});

Deno.test("a new token is asked of a member once, and again after a while", async () => {
  let answer = 200;
  const scene = new Scene(() => status(answer));
  const { token } = await drawToken();
  const headers = { "x-api-secret": token };
  const first = await Promise.all([1, 2, 3].map(() => scene.check(headers)));
  assert.deepEqual(first, ["ok", "ok", "ok"]);
  assert.deepEqual(scene.asked, [`a ${token}`]);
  scene.nowMs = 29_999;
  answer = 401;
  assert.equal(await scene.check(headers), "ok");
  assert.equal(scene.asked.length, 1);
  scene.nowMs = 30_000;
  assert.equal(await scene.check(headers), "unauthorized");
  // What was refused is not remembered: it may be made meanwhile.
  answer = 403;
  assert.equal(await scene.check(headers), "ok");
  assert.equal(scene.asked.length, 3);
});

Deno.test("a member that cannot say is no reason to refuse a token: another one is asked, and in the end they judge the request", async () => {
  const { token } = await drawToken();
  const headers = { "x-api-secret": token };
  const behind = new Scene((host) => status(host === "a" ? 503 : 401));
  assert.equal(await behind.check(headers), "unauthorized");
  assert.equal(behind.asked.length, 2);
  const gone = new Scene(() => Promise.reject(new TypeError("refused")));
  assert.equal(await gone.check(headers), "ok");
});

Deno.test("members are asked about 16 new tokens at a time, and a thousand are remembered", async () => {
  const held = Promise.withResolvers<void>();
  const scene = new Scene(() => held.promise.then(() => status(200)));
  const tokens = await Promise.all(
    Array.from({ length: 17 }, async () => (await drawToken()).token),
  );
  const checks = tokens.map((token, at) =>
    scene.check({ "x-api-secret": token }, `10.0.0.${at}`)
  );
  assert.equal(await checks[16], "overloaded");
  held.resolve();
  assert.deepEqual(
    await Promise.all(checks.slice(0, 16)),
    Array(16).fill("ok"),
  );
  for (let made = 16; made <= 1_000; made++) {
    const { token } = await drawToken();
    assert.equal(await scene.check({ "x-api-secret": token }), "ok");
  }
  const asked = scene.asked.length;
  await scene.check({ "x-api-secret": tokens[15]! });
  assert.equal(scene.asked.length, asked);
  await scene.check({ "x-api-secret": tokens[0]! });
  assert.equal(scene.asked.length, asked + 1);
});

const STRANGERS = {
  "an address": () => "10.0.0.1",
  "a network of IPv6": (at: number) => `2001:db8::${at}`,
};

for (const [who, addressAt] of Object.entries(STRANGERS)) {
  Deno.test(`who makes up tokens with ${who} keeps nobody else's from being asked about`, async () => {
    const held = Promise.withResolvers<void>();
    const scene = new Scene(() => held.promise.then(() => status(401)));
    const tokens = await Promise.all(Array.from({ length: 22 }, drawToken));
    const ask = (address: string): Promise<string> =>
      scene.check({ "x-api-secret": tokens.pop()!.token }, address);
    const stranger = Array.from({ length: 20 }, (_, at) => ask(addressAt(at)));
    const refused = await Promise.all(stranger.slice(4));
    assert.deepEqual(new Set(refused), new Set(["overloaded"]));
    const honest = ask("10.0.0.2");
    held.resolve();
    assert.equal(await honest, "unauthorized");
    assert.deepEqual(
      await Promise.all(stranger.slice(0, 4)),
      Array(4).fill("unauthorized"),
    );
    // Room comes back.
    assert.equal(await ask(addressAt(20)), "unauthorized");
  });
}
