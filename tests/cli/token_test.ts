import assert from "node:assert/strict";
import { createApp } from "../../src/server/app.ts";
import { FakeMember } from "../client/fake_member.ts";
import { run } from "./fake_terminal.ts";

const SECRET = "api-secret-0123456789";

Deno.test("hiqlite token makes a token and prints it alone, lists tokens without secrets, and revokes", async () => {
  const member = new FakeMember();
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    createApp(member, { secretApi: SECRET, failedLoginMs: 1 }).fetch,
  );
  const token = (args: string[], secret = SECRET) =>
    run(["token", ...args, `--url=127.0.0.1:${server.addr.port}`], {
      HQL_SECRET_API: secret,
    });
  try {
    const made = await token(["create", "nightly report"]);
    assert.deepEqual([made.code, made.error], [0, ""]);
    const [, id] = /^hqt_([0-9a-f]{16})_[A-Za-z0-9_-]{43}$/.exec(made.out)!;
    assert.deepEqual(member.tokens.find(id!)?.scope, "read");
    const json = JSON.parse(
      (await token([
        "create",
        "cache",
        "--scope=write",
        "--cache=a",
        "--cache=b",
        "--expires=90d",
        "--json",
      ])).out,
    );
    const limited = member.tokens.find(json.id)!;
    assert.deepEqual([limited.scope, limited.caches], ["write", ["a", "b"]]);
    const days = (limited.expiresMs! - limited.createdMs) / 86_400_000;
    assert.ok(days > 89 && days < 91);
    await token(["create", "old", "--expires=2300-01-31T12:00Z"]);
    const list = await token(["list"]);
    assert.match(list.out, /^ID +SCOPE +CACHES +CREATED +EXPIRES +NAME\n/);
    assert.match(list.out, new RegExp(`${id} +read +.*never +nightly report`));
    assert.match(list.out, /write +a,b /);
    assert.match(list.out, /2300-01-31T12:00Z +old/);
    const listed = (await token(["list", "--json"])).out;
    assert.equal(JSON.parse(listed).tokens.length, 3);
    for (const shown of [list.out, listed]) {
      assert.ok(!shown.includes("hqt_") && !shown.includes("digest"));
    }
    // The token is as good as the secret for what it may.
    const refused = await token(["list"], made.out);
    assert.equal(refused.code, 1);
    assert.match(refused.error, /scope read, this needs admin/);
    assert.deepEqual(await token(["revoke", id!]), {
      code: 0,
      out: "",
      error: "",
    });
    const again = await token(["revoke", id!]);
    assert.deepEqual([again.code, again.error], [
      1,
      `hiqlite token: There is no token '${id}'`,
    ]);
    for (
      const [args, error] of [
        [[], /A command is missing/],
        [["make"], /Unknown command 'token make'/],
        [["create"], /The name is missing/],
        [["revoke"], /The id is missing/],
        [["list", "x"], /Unexpected argument 'x'/],
        [["create", "a", "b"], /Unexpected argument 'b'/],
        [["create", "a", "--scope=root"], /--scope is read, write, admin/],
        [["create", "a", "--expires=soon"], /expected 30m, 12h, 90d/],
        [["create", "a", "--expires=2030-13-01"], /expected 30m, 12h, 90d/],
        [["create", "a", "--expires=2030-01-01T12:00"], /expected 30m/],
        [["list", "--scope=read"], /--scope means nothing to 'token list'/],
        [["revoke", "x", "--json"], /--json means nothing to 'token revoke'/],
      ] as const
    ) {
      const result = await token([...args]);
      assert.equal(result.code, 2, args.join(" "));
      assert.match(result.error, error);
    }
    const wrong = await token(["revoke", "hqt_x"]);
    assert.equal(wrong.code, 1);
    assert.match(wrong.error, /expected 16 hexadecimal digits/);
    const past = await token(["create", "a", "--expires=2001-01-01"]);
    assert.equal(past.code, 1);
    assert.match(past.error, /expires_at: is in the past/);
  } finally {
    await server.shutdown();
    await member.shutdown();
  }
});
