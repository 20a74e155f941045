import assert from "node:assert/strict";
import { EphemeralKeys } from "../../../src/network/sealed/key_agreement.ts";

/** RFC 7748 §6.1. */
const ALICE = {
  privateKey:
    "77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a",
  publicKey: "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a",
};
const BOB = {
  privateKey:
    "5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb",
  publicKey: "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f",
};
const SHARED =
  "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742";

Deno.test("keys and what they agree on are those of RFC 7748 §6.1", () => {
  const of = ({ privateKey }: typeof ALICE): EphemeralKeys =>
    EphemeralKeys.of(Uint8Array.fromHex(privateKey));
  for (const [mine, theirs] of [[ALICE, BOB], [BOB, ALICE]] as const) {
    const keys = of(mine);
    assert.equal(keys.publicKey.toHex(), mine.publicKey);
    const shared = keys.agree(Uint8Array.fromHex(theirs.publicKey));
    assert.equal(shared?.toHex(), SHARED);
  }
});

Deno.test("generated keys differ, and two sides agree", () => {
  const [a, b] = [EphemeralKeys.generate(), EphemeralKeys.generate()];
  assert.notDeepEqual(a.publicKey, b.publicKey);
  assert.deepEqual(a.agree(b.publicKey), b.agree(a.publicKey));
  assert.ok(a.agree(b.publicKey) !== null);
});

Deno.test("zeros are no public key", () => {
  assert.equal(EphemeralKeys.generate().agree(new Uint8Array(32)), null);
});
