import assert from "node:assert/strict";
import {
  canBeSecret,
  secretWarnings,
} from "../../src/config/secret_strength.ts";
import { resolveConfig } from "../../src/config/resolve.ts";
import { randomSecret } from "../../src/config/secrets.ts";

Deno.test("a secret has at least 16 characters, six of them different", () => {
  for (
    const [text, can] of [
      ["abcdefghijklmnop", true],
      ["abcdefghijklmno", false],
      ["aaaaaaaaaaaaaaaa", false],
      ["ababababababababababababababab", false],
      ["abcdeabcdeabcdeabcde", false],
      ["abcdefabcdefabcdefab", true],
      ["abcdefgh ijklmnop", false],
      ["äbcdefghijklmnopq", false],
      [randomSecret(), true],
    ] as const
  ) assert.equal(canBeSecret(text), can, text);
});

Deno.test("a configuration with a secret that says little is refused by its key, without the secret", () => {
  assert.throws(
    () =>
      resolveConfig({
        env: {
          HQL_SECRET_RAFT: "aaaaaaaaaaaaaaaaaaaaaaaa",
          HQL_SECRET_API: randomSecret(),
        },
      }),
    (error: { code: string; key: string; message: string }) =>
      error.code === "config" && error.key === "HQL_SECRET_RAFT" &&
      /at least 16 characters without spaces, 6 of them different/
        .test(error.message) &&
      !error.message.includes("aaaa"),
  );
});

Deno.test("short, published and equal secrets are warned of, and never shown", () => {
  const good = randomSecret();
  const warningsOf = (secretRaft: string, secretApi: string) => {
    const warnings = secretWarnings({ secretRaft, secretApi });
    for (const warning of warnings) {
      for (const secret of [secretRaft, secretApi]) {
        assert.ok(!warning.includes(secret));
      }
    }
    return warnings.map((warning) => warning.split(/[:,]/)[0]);
  };
  assert.deepEqual(warningsOf(good, randomSecret()), []);
  assert.deepEqual(warningsOf(good, "abcdefghijklmnopqrstuvwx"), []);
  assert.deepEqual(warningsOf(good, "abcdefghijklmnopqrstuvw"), [
    "secret_api has 23 characters",
  ]);
  assert.deepEqual(warningsOf(good, good), [
    "secret_raft and secret_api are the same",
  ]);
  const sample = "123SuperMegaSafeRandomValue";
  assert.deepEqual(warningsOf(sample, sample), [
    "secret_raft is the one of a published example",
    "secret_api is the one of a published example",
    "secret_raft and secret_api are the same",
  ]);
});

Deno.test("a file with secrets that others can read is warned of, and only then", () => {
  const [raft, api] = [randomSecret(), randomSecret()];
  const env = { HQL_SECRET_RAFT: raft, HQL_SECRET_API: api };
  const secrets = `[hiqlite]\nsecret_raft = "${raft}"\nsecret_api = "${api}"\n`;
  const noticesOf = (
    toml: string,
    modes: Readonly<Record<string, string>>,
    given: Readonly<Record<string, string>> = {},
  ) =>
    resolveConfig({
      env: given,
      toml,
      tomlPath: "main.toml",
      readFile: () => secrets,
      readableMode: (path) => modes[path] ?? null,
    }).notices;
  const open = { "main.toml": "644", "other.toml": "640" };
  assert.deepEqual(noticesOf(secrets, {}), []);
  assert.deepEqual(noticesOf(secrets, open), [
    "main.toml holds secrets, and with its mode 644 others on this machine can read them: chmod 600 main.toml",
  ]);
  assert.deepEqual(noticesOf("[hiqlite]\nnode_id = 1\n", open, env), []);
  const { notices } = resolveConfig({
    env,
    envFile: { path: "vars", names: new Set(["HQL_SECRET_RAFT"]) },
    readableMode: () => "644",
  });
  assert.match(notices[0]!, /^vars holds secrets, and with its mode 644/);
  const plain = resolveConfig({
    env: { ...env, HQL_NODE_ID: "1" },
    envFile: { path: "vars", names: new Set(["HQL_NODE_ID"]) },
    readableMode: () => "644",
  });
  assert.deepEqual(plain.notices, []);
  const elsewhere =
    `[hiqlite]\nsecrets_file = "other.toml"\nsecret_raft = "$SECRETS"\nsecret_api = "$SECRETS"\n`;
  assert.deepEqual(noticesOf(elsewhere, open), [
    "other.toml holds secrets, and with its mode 640 others on this machine can read them: chmod 600 other.toml",
  ]);
});
