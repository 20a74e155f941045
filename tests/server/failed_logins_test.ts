import assert from "node:assert/strict";
import { drawToken } from "../../src/api/token_text.ts";
import { createApp } from "../../src/server/app.ts";
import { Authentication } from "../../src/server/auth.ts";
import { FailedLogins } from "../../src/server/failed_logins.ts";
import { type LogFields, Logger } from "../../src/util/logger.ts";
import { FakeMember } from "../client/fake_member.ts";

const SECRETS = ["api-secret-0123456789", "api-secret-of-before"];

const WRONG = "unauthorized: The API secret or the token is wrong";

/** Logins on a clock that the test moves. */
class Scene {
  nowMs = 0;
  readonly member = new FakeMember();
  readonly lines: LogFields[] = [];
  readonly #due: { atMs: number; run: () => void }[] = [];
  readonly failed = new FailedLogins({
    delayMs: 500,
    clock: { monotonic: () => this.nowMs },
    timers: {
      after: (ms, run) => {
        this.#due.push({ atMs: this.nowMs + ms, run });
        return () => {};
      },
    },
    logger: new Logger("info", ({ message, fields }) => {
      assert.equal(message, "requests were not let in");
      this.lines.push(fields);
    }),
  });
  readonly #authentication = new Authentication({
    secrets: SECRETS,
    member: this.member,
    failed: this.failed,
    clock: { wall: () => this.nowMs },
  });

  /** `ok`, or the error in words. */
  login(secret: string | null): Promise<string> {
    const headers = new Headers(
      secret === null ? {} : { authorization: `Bearer ${secret}` },
    );
    return this.#authentication.access(headers).then(
      () => "ok",
      ({ code, message }) => `${code}: ${message}`,
    );
  }

  /** How many answers wait. */
  get waiting(): number {
    return this.#due.length;
  }

  async advance(ms: number): Promise<void> {
    this.nowMs += ms;
    const late = this.#due.filter(({ atMs }) => atMs <= this.nowMs);
    for (const due of late) {
      this.#due.splice(this.#due.indexOf(due), 1);
      due.run();
    }
    await new Promise((resume) => setTimeout(resume, 0));
  }
}

Deno.test("wrong secrets wait, 64 of them at most, and right ones never do", async () => {
  const scene = new Scene();
  const wrong = Array.from({ length: 64 }, () => scene.login("wrong"));
  assert.equal(scene.waiting, 64);
  assert.match(await scene.login("wrong"), /^overloaded: 64 wrong secrets/);
  // Each of several secrets is as good as the others.
  for (const secret of SECRETS) assert.equal(await scene.login(secret), "ok");
  // Who sends none guesses nothing.
  assert.match(await scene.login(null), /^unauthorized: .* is missing/);
  assert.equal(scene.waiting, 64);
  await scene.advance(499);
  assert.equal(scene.waiting, 64);
  await scene.advance(1);
  assert.deepEqual(
    new Set(await Promise.all(wrong)),
    new Set([WRONG]),
  );
  const next = scene.login("wrong");
  assert.equal(scene.waiting, 1);
  await scene.advance(500);
  assert.equal(await next, WRONG);
  assert.equal(scene.failed.total, 67);
  await scene.member.shutdown();
});

Deno.test("an answer to who knows no secret ends the connection, and others do not", async () => {
  const member = new FakeMember();
  const app = createApp(member, { secretApi: SECRETS[0]! });
  const ask = async (secret: string | null): Promise<[number, string]> => {
    const { status, headers } = await app.request("/api/v1/cluster", {
      headers: secret === null ? {} : { "x-api-secret": secret },
    });
    return [status, headers.get("connection") ?? "goes on"];
  };
  assert.deepEqual(await ask(SECRETS[0]!), [200, "goes on"]);
  assert.deepEqual(await ask(null), [401, "close"]);
  // The guess for which there is no room to wait, too.
  const guesses = await Promise.all(
    Array.from({ length: 65 }, () => ask("wrong")),
  );
  assert.deepEqual(guesses.filter(([status]) => status !== 401), [
    [429, "close"],
  ]);
  assert.ok(guesses.every(([, connection]) => connection === "close"));
  await member.shutdown();
});

Deno.test("failed logins are logged once a second of each kind, with how many there were since", async () => {
  const scene = new Scene();
  const logins = ["wrong", "wrong", null, "other"].map((secret) =>
    scene.login(secret)
  );
  assert.deepEqual(scene.lines, [
    { reason: "wrong secret", count: 1 },
    { reason: "missing", count: 1 },
  ]);
  await scene.advance(999);
  logins.push(scene.login("wrong"));
  assert.equal(scene.lines.length, 2);
  await scene.advance(1);
  logins.push(scene.login("wrong"));
  assert.deepEqual(scene.lines.slice(2), [{
    reason: "wrong secret",
    count: 4,
  }]);
  await scene.advance(500);
  await Promise.all(logins);
  await scene.member.shutdown();
});

Deno.test("a token is let in until it expires, by the clock of the member that is asked", async () => {
  const scene = new Scene();
  const { id, digest, token } = await drawToken();
  const rest = { name: "n", scope: "read", caches: null } as const;
  await scene.member.tokens.create({
    wish: { ...rest, id, digest, expiresMs: 1_000 },
  });
  await scene.advance(999);
  assert.equal(await scene.login(token), "ok");
  await scene.advance(1);
  const refused = scene.login(token);
  await scene.advance(500);
  assert.equal(await refused, "unauthorized: The token has expired");
  assert.deepEqual(scene.lines, [{ reason: "expired token", count: 1 }]);
  await scene.member.shutdown();
});
