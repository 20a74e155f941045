import assert from "node:assert/strict";
import { HiqliteError } from "../../src/errors.ts";
import type { MemberCaches } from "../../src/node/port.ts";
import { createApp } from "../../src/server/app.ts";
import { FakeMember } from "../client/fake_member.ts";
import { asking, CACHE_SECRET } from "./cache_requests.ts";

/** A member whose caches only fail. */
class FailingMember extends FakeMember {
  error = new HiqliteError("internal", "none");

  override get caches(): MemberCaches {
    throw this.error;
  }
}

Deno.test("an error of the caches has the status of its code everywhere", async () => {
  const member = new FailingMember();
  const ask = asking(createApp(member, { secretApi: CACHE_SECRET }));
  for (
    const [code, status] of [
      ["no_leader", 503],
      ["overloaded", 429],
      ["outcome_unknown", 500],
      ["timeout", 504],
      ["shutting_down", 503],
      ["cache_reset", 409],
      ["conflict", 409],
      ["too_large", 413],
      ["cache_full", 507],
      ["session_expired", 410],
    ] as const
  ) {
    member.error = new HiqliteError(code, `because of ${code}`);
    for (
      const answer of [
        await ask("GET", "/c/k"),
        await ask("GET", "/c"),
        await ask("GET", "/c?watch="),
        await ask("POST", "", {}).catch(() => null),
      ]
    ) {
      if (answer === null || answer.status === 404) continue;
      assert.deepEqual([answer.status, answer.json.error], [
        status,
        { code, message: `because of ${code}` },
      ]);
    }
    const put = await ask("PUT", "/c/k", { type: "text/plain", body: "x" });
    const wanted = code === "cache_reset" ? 412 : status;
    assert.equal(put.status, wanted, code);
  }
  await member.shutdown();
});
