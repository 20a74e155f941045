import assert from "node:assert/strict";
import { join } from "node:path";
import { describeVariables, generateToml } from "../../src/config/describe.ts";
import { keptSecret, secretPath } from "../../src/config/secrets.ts";
import { resolveConfig } from "../../src/config/resolve.ts";
import { SETTINGS } from "../../src/config/settings.ts";

async function withFolder(
  run: (folder: string) => Promise<void> | void,
): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await run(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("generateToml() is a configuration that starts and says nothing new", () => {
  const { config } = resolveConfig({ env: {}, toml: generateToml() });
  const { config: plain } = resolveConfig({
    env: {
      HQL_SECRET_RAFT: config.secretRaft,
      HQL_SECRET_API: config.secretApi,
      HQL_NODES: "1 localhost:8100 localhost:8200",
    },
  });
  assert.deepEqual(config, plain);
});

Deno.test("generateToml() stays valid with every commented default switched on", () => {
  const toml = generateToml().replaceAll(/^#(?=[a-z_]+ = )/gm, "");
  const { config } = resolveConfig({ env: {}, toml });
  assert.equal(config.queryMaxRows, SETTINGS.queryMaxRows.fallback);
  assert.equal(config.sqliteLib, "");
});

Deno.test("generateToml() draws other secrets each time", () => {
  const secretsOf = (toml: string) => toml.match(/^secret_\w+ = "(.+)"$/gm)!;
  const all = [...secretsOf(generateToml()), ...secretsOf(generateToml())];
  assert.equal(all.length, 4);
  assert.equal(new Set(all.map((line) => line.split('"')[1])).size, 4);
});

Deno.test("describeVariables() names every setting once", () => {
  const names = describeVariables().map((row) => row.env);
  assert.equal(new Set(names).size, names.length);
  for (const setting of Object.values(SETTINGS)) {
    assert(names.includes(setting.env), setting.env);
  }
});

Deno.test("keptSecret() makes a secret once, in a private file and folder", async () => {
  await withFolder((folder) => {
    const dataDir = join(folder, "data");
    const secret = keptSecret("secret_api", dataDir);
    assert(secret.length >= 32);
    assert.equal(keptSecret("secret_api", dataDir), secret);
    assert.notEqual(keptSecret("secret_raft", dataDir), secret);
    if (Deno.build.os !== "windows") {
      assert.equal(Deno.statSync(dataDir).mode! & 0o777, 0o700);
      const file = secretPath(dataDir, "secret_api");
      assert.equal(Deno.statSync(file).mode! & 0o777, 0o600);
    }
  });
});

Deno.test("keptSecret() refuses a file that holds no secret", async () => {
  await withFolder((folder) => {
    Deno.writeTextFileSync(secretPath(folder, "secret_api"), "short\n");
    assert.throws(() => keptSecret("secret_api", folder), {
      code: "storage",
      message: /secret_api holds no secret/,
    });
  });
});
