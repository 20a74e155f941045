import assert from "node:assert/strict";
import {
  hashPassword,
  PASSWORD_BYTES_MAX,
  verifyPassword,
} from "../../src/password/argon2.ts";
import {
  formatPasswordHash,
  isCheapToGuess,
  parsePasswordHash,
  type PasswordHash,
} from "../../src/password/password_hash.ts";

/** Hiqlite's documented sample, of "123SuperMegaSafe". */
const SAMPLE =
  "JGFyZ29uMmlkJHY9MTkkbT0xOTQ1Nix0PTIscD0xJGQ2RlJDYTBtaS9OUnkvL1RubmZNa0EkVzJMeTQrc1dxZ0FGd0RyQjBZKy9iWjBQUlZlOTdUMURwQkk5QUoxeW1wRQ==";

/** A check of it costs nothing. */
const CHEAP: PasswordHash = {
  memoryKib: 8,
  passes: 1,
  lanes: 1,
  salt: new Uint8Array(8),
  hash: new Uint8Array(16),
};

Deno.test("a new hash verifies its password and no other, and no two are the same", async () => {
  const text = await hashPassword("correct horse battery");
  const hash = parsePasswordHash(text)!;
  const { memoryKib, passes, lanes } = hash;
  assert.deepEqual([memoryKib, passes, lanes], [32_768, 2, 2]);
  assert.match(atob(text), /^\$argon2id\$v=19\$m=32768,t=2,p=2\$/);
  assert.ok(!isCheapToGuess(hash));
  assert.equal(await verifyPassword("correct horse battery", hash), true);
  assert.equal(await verifyPassword("correct horse batterY", hash), false);
  assert.notEqual(await hashPassword("correct horse battery"), text);
});

Deno.test("Hiqlite's documented hash is read, verified and written as it was", async () => {
  const hash = parsePasswordHash(SAMPLE)!;
  assert.equal(formatPasswordHash(hash), SAMPLE);
  assert.equal(await verifyPassword("123SuperMegaSafe", hash), true);
  assert.equal(await verifyPassword("123SuperMegaSafe ", hash), false);
  assert.ok(!isCheapToGuess(hash));
  // As a block of YAML gives it.
  assert.deepEqual(parsePasswordHash(`\n  ${SAMPLE}\n  `), hash);
});

Deno.test("a hash that asks for too much, or is none, is refused before it is tried", () => {
  const salt = new Uint8Array(16).toBase64({ omitPadding: true });
  const hash = new Uint8Array(32).toBase64({ omitPadding: true });
  const read = (phc: string) => parsePasswordHash(btoa(phc));
  const of = (cost: string) => read(`$argon2id$v=19$${cost}$${salt}$${hash}`);
  assert.notEqual(of("m=1048576,t=10,p=16"), undefined);
  assert.notEqual(of("m=8,t=1,p=1"), undefined);
  for (
    const cost of [
      "m=1048577,t=1,p=1",
      "m=4194304,t=1,p=1",
      "m=19456,t=11,p=1",
      "m=19456,t=0,p=1",
      "m=19456,t=2,p=17",
      "m=19456,t=2,p=0",
      "m=15,t=2,p=2",
      "m=99999999999999999999,t=2,p=1",
      "m=-1,t=2,p=1",
      "t=2,m=19456,p=1",
    ]
  ) assert.equal(of(cost), undefined, cost);
  for (
    const phc of [
      `$argon2i$v=19$m=19456,t=2,p=1$${salt}$${hash}`,
      `$argon2id$v=16$m=19456,t=2,p=1$${salt}$${hash}`,
      `$argon2id$v=19$m=19456,t=2,p=1$AAAA$${hash}`,
      `$argon2id$v=19$m=19456,t=2,p=1$${salt}$AAAA`,
      `$argon2id$v=19$m=19456,t=2,p=1$${salt}`,
      `$argon2id$v=19$m=19456,t=2,p=1$${salt}$${hash}$`,
      `$argon2id$v=19$m=19456,t=2,p=1$${"A".repeat(88)}$${hash}`,
      `$2b$10$${salt}${hash}`,
      "",
    ]
  ) assert.equal(read(phc), undefined, phc);
  for (const text of ["123SuperMegaSafe", "$argon2id$v=19$", "ä", ""]) {
    assert.equal(parsePasswordHash(text), undefined, text);
  }
});

Deno.test("less work than 19 MiB twice is cheap to guess", () => {
  const of = (memoryKib: number, passes: number) =>
    isCheapToGuess({ ...CHEAP, memoryKib, passes });
  assert.deepEqual([of(32, 2), of(19_455, 2), of(19_456, 2), of(38_912, 1)], [
    true,
    true,
    false,
    false,
  ]);
});

Deno.test("a password is not empty and has 1,024 bytes at most, whoever asks", async () => {
  const longest = "ä".repeat(PASSWORD_BYTES_MAX / 2);
  const hash = parsePasswordHash(await hashPassword(longest))!;
  assert.equal(await verifyPassword(longest, hash), true);
  for (const wrong of ["", `${longest}x`, "x".repeat(1_000_000)]) {
    assert.equal(await verifyPassword(wrong, CHEAP), false);
    await assert.rejects(
      hashPassword(wrong),
      (error: { code: string; message: string }) =>
        error.code === "invalid" && /1 to 1024 bytes/.test(error.message),
    );
  }
});
