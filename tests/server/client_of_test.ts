import assert from "node:assert/strict";
import { accessOfToken, FULL_ACCESS } from "../../src/server/access.ts";
import { clientOf } from "../../src/server/routes/client_of.ts";
import type { ApiToken } from "../../src/state/tokens/types.ts";

function token(id: string): ApiToken {
  const digest = new Uint8Array(32);
  const rights = { scope: "read", caches: null, expiresMs: null } as const;
  return { id, digest, name: "the same", createdMs: 0, ...rights };
}

Deno.test("a client is a token, or all that have the secret", () => {
  const [one, other] = ["0123456789ab", "ba9876543210"].map((id) =>
    clientOf(accessOfToken(token(id)))
  );
  assert.equal(one, clientOf(accessOfToken(token("0123456789ab"))));
  assert.equal(new Set([one, other, clientOf(FULL_ACCESS)]).size, 3);
});
