import assert from "node:assert/strict";
import { drawToken, hexOf } from "../../src/api/token_text.ts";
import type { Scope } from "../../src/state/tokens/types.ts";
import { connect } from "../../src/client/remote.ts";
import { createApp } from "../../src/server/app.ts";
import { Logger } from "../../src/util/logger.ts";
import { FakeMember } from "../client/fake_member.ts";
import { SECRET, withApp } from "./with_app.ts";

const JSON_HEADERS = { "content-type": "application/json" };

function as(token: string): RequestInit {
  return { headers: { ...JSON_HEADERS, "x-api-secret": token } };
}

/** A token of the member, made without its API. */
async function tokenOf(
  member: FakeMember,
  scope: Scope,
  rest: { caches?: string[]; expiresMs?: number } = {},
): Promise<{ id: string; token: string }> {
  const { id, digest, token } = await drawToken();
  await member.tokens.create({
    wish: {
      id,
      digest,
      name: scope,
      scope,
      caches: null,
      expiresMs: null,
      ...rest,
    },
  });
  return { id, token };
}

Deno.test("POST makes a token that is shown once, GET lists it without its secret, revoke takes it back", async () => {
  await withApp(async (ask) => {
    const made = await ask("/api/v1/tokens", {
      name: "reports",
      scope: "read",
      expires_at: 4_102_444_800_000,
    });
    assert.equal(made.status, 200);
    const { id, token } = made.json;
    assert.match(token, new RegExp(`^hqt_${id}_[A-Za-z0-9_-]{43}$`));
    const listed = await ask("/api/v1/tokens");
    assert.deepEqual(listed.json.tokens, [{
      id,
      name: "reports",
      scope: "read",
      created_at: made.json.created_at,
      expires_at: 4_102_444_800_000,
    }]);
    const query = { sql: "SELECT 1" };
    assert.equal((await ask("/api/v1/query", query, as(token))).status, 200);
    const bearer = {
      headers: { ...JSON_HEADERS, authorization: `Bearer ${token}` },
    };
    assert.equal((await ask("/api/v1/query", query, bearer)).status, 200);
    const revoked = await ask("/api/v1/tokens/revoke", { id });
    assert.equal(revoked.json.found, true);
    const again = await ask("/api/v1/tokens/revoke", { id });
    assert.equal(again.json.found, false);
    const refused = await ask("/api/v1/query", query, as(token));
    assert.equal(refused.status, 401);
    assert.equal(
      refused.json.error.message,
      "There is no such token; it may have been revoked",
    );
  });
});

Deno.test("who draws a token himself sends its id and digest, and is shown nothing", async () => {
  await withApp(async (ask, member) => {
    const { id, digest, token } = await drawToken();
    const wish = { name: "own", scope: "write", caches: ["a"] };
    const sha256 = hexOf(digest);
    const made = await ask("/api/v1/tokens", { ...wish, id, sha256 });
    assert.equal(made.status, 200);
    assert.equal(made.json.id, id);
    assert.equal("token" in made.json, false);
    assert.deepEqual(member.tokens.find(id)?.caches, ["a"]);
    assert.equal(
      (await ask("/api/v1/caches", undefined, as(token))).status,
      409,
    );
    for (
      const [body, message] of [
        [{ ...wish, id }, /^id: and sha256 belong together/],
        [{ ...wish, sha256 }, /^id: and sha256 belong together/],
        [{ ...wish, id, sha256: "00" }, /^sha256: expected 64/],
        [{ ...wish, id: "x", sha256 }, /^The token's id: expected 16/],
        [{ ...wish, expires_at: 1 }, /^expires_at: is in the past/],
        [{ ...wish, scope: "root" }, /^scope: expected read, write, admin/],
        [{ ...wish, scope: "admin" }, /cannot be limited/],
        [{ scope: "read" }, /^name: is missing/],
        [{ ...wish, token }, /unknown field "token"/],
      ] as const
    ) {
      const refused = await ask("/api/v1/tokens", body);
      assert.equal(refused.status, 400, JSON.stringify(refused.json));
      assert.match(refused.json.error.message, message);
    }
  });
});

Deno.test("what only looks like a token or a secret is refused, with the same words, and never told", async () => {
  const lines: string[] = [];
  await withApp(async (ask, member) => {
    const { id, token } = await tokenOf(member, "admin");
    const other = (await drawToken()).token;
    const wrong = [
      token.slice(0, -1),
      `${token}A`,
      token.replace(/.$/, (last) => last === "A" ? "B" : "A"),
      token.toUpperCase(),
      `hqt_${id}_${other.slice(21)}`,
      id,
      SECRET.slice(1),
      `${SECRET}x`,
      "hqt_",
      "hqt_constructor_" + "A".repeat(43),
    ];
    const answers = await Promise.all(
      wrong.map((given) => ask("/api/v1/cluster", undefined, as(given))),
    );
    for (const [at, { status, json, headers }] of answers.entries()) {
      assert.equal(status, 401, wrong[at]);
      assert.equal(headers.get("www-authenticate"), "Bearer");
      assert.deepEqual(json.error, {
        code: "unauthorized",
        message: "The API secret or the token is wrong",
      });
    }
    assert.ok(lines.length > 0);
    for (const given of wrong) {
      assert.ok(!lines.some((line) => line.includes(given)), given);
    }
  }, {
    failedLoginMs: 1,
    logger: new Logger("debug", (line) => lines.push(JSON.stringify(line))),
  });
});

Deno.test("a token that arrives while its refusal waits is let in", async () => {
  await withApp(async (ask, member) => {
    const { id, digest, token } = await drawToken();
    const asked = ask("/api/v1/cluster", undefined, as(token));
    await Promise.resolve();
    await member.tokens.create({
      wish: {
        id,
        digest,
        name: "n",
        scope: "read",
        caches: null,
        expiresMs: null,
      },
    });
    assert.equal((await asked).status, 200);
    const metrics = (await ask("/metrics")).json;
    assert.match(metrics, /^hiqlite_http_unauthorized_total 1$/m);
  }, { failedLoginMs: 50 });
});

Deno.test("a member that is behind says so instead of refusing a token that it does not know", async () => {
  await withApp(async (ask, member) => {
    const { token } = await drawToken();
    member.healthy = { ok: false, detail: "catching up with the leader" };
    const answer = await ask("/api/v1/cluster", undefined, as(token));
    assert.equal(answer.status, 503);
    assert.equal(answer.json.error.code, "no_leader");
    assert.match(answer.json.error.message, /catching up with the leader/);
    member.healthy = undefined;
    const refused = await ask("/api/v1/cluster", undefined, as(token));
    assert.equal(refused.status, 401);
  }, { failedLoginMs: 1 });
});

Deno.test("those who are not let in are counted among the metrics", async () => {
  await withApp(async (ask) => {
    const count = async () =>
      /^hiqlite_http_unauthorized_total (\d+)$/m
        .exec((await ask("/metrics")).json)![1];
    assert.equal(await count(), "0");
    await ask("/api/v1/cluster", undefined, { headers: {} });
    await ask("/api/v1/cluster", undefined, as("wrong"));
    await ask("/api/v1/cluster");
    assert.equal(await count(), "2");
  }, { failedLoginMs: 1 });
});

Deno.test("a client with a token uses what it may, and hears what it may not", async () => {
  const member = new FakeMember();
  const app = createApp(member, { secretApi: SECRET, failedLoginMs: 1 });
  const clientOf = (secret: string) =>
    connect({
      urls: ["member"],
      secret,
      fetch: async (url, init) => await app.request(String(url), init),
    });
  await using admin = clientOf(SECRET);
  const { id, token } = await admin.tokens.create({
    name: "reader",
    scope: "read",
    expiresAt: new Date(4_102_444_800_000),
  });
  await using reader = clientOf(token);
  assert.deepEqual(await reader.query("SELECT 1 AS n"), [{ n: 1 }]);
  await assert.rejects(reader.execute("CREATE TABLE x (y)"), {
    code: "forbidden",
    message: "The token has the scope read, this needs write",
  });
  await assert.rejects(reader.tokens.list(), {
    code: "forbidden",
    message: "The token has the scope read, this needs admin",
  });
  const [info] = await admin.tokens.list();
  assert.equal(info!.id, id);
  assert.equal(info!.name, "reader");
  assert.equal(info!.caches, null);
  assert.deepEqual(info!.expiresAt, new Date(4_102_444_800_000));
  assert.equal(await admin.tokens.revoke(id), true);
  await assert.rejects(reader.query("SELECT 1"), { code: "unauthorized" });
  await assert.rejects(
    admin.tokens.create({
      name: "n",
      scope: "read",
      expiresAt: 5 as unknown as Date,
    }),
    { code: "invalid", message: /^expiresAt: expected a Date/ },
  );
});
