import assert from "node:assert/strict";
import { parseEnvFile } from "../../../src/config/env_file.ts";
import { resolveConfig } from "../../../src/config/resolve.ts";
import { run } from "../fake_terminal.ts";

/** What stands indented below a key, without its indentation. */
function below(text: string, key: string): string {
  const lines = text.split("\n");
  const at = lines.findIndex((line) => line.trim() === key);
  assert.ok(at >= 0, `${key} is missing`);
  const indent = lines[at]!.search(/\S/);
  const end = lines.findIndex((line, index) =>
    index > at && line !== "" && line.search(/\S/) <= indent
  );
  return lines.slice(at + 1, end < 0 ? undefined : end)
    .map((line) => line.slice(indent + 2)).join("\n");
}

Deno.test("generate k8s writes a configuration that each pod resolves to its own member", async () => {
  const { code, out, error } = await run([
    "generate",
    "k8s",
    "--nodes=5",
    "--name=db",
  ]);
  assert.deepEqual([code, error], [0, ""]);
  const file = parseEnvFile(below(out, "config: |"), "config");
  const secrets = Object.fromEntries(
    [...out.matchAll(/(HQL_SECRET_\w+): "([^"]+)"/g)].map((
      [, k, v],
    ) => [k!, v!]),
  );
  for (let pod = 0; pod < 5; pod++) {
    const { config } = resolveConfig({
      env: { ...Object.fromEntries(file), ...secrets },
      hostname: () => `db-${pod}`,
    });
    assert.equal(config.nodeId, pod + 1);
    assert.equal(config.nodes.length, 5);
    assert.equal(config.nodes[pod]!.raft, `db-${pod}.db-headless:8100`);
    assert.equal(config.listenAddrApi, "0.0.0.0");
    assert.equal(config.dataDir, "/app/data");
  }
  assert.notEqual(secrets.HQL_SECRET_RAFT, secrets.HQL_SECRET_API);
  assert.match(out, /publishNotReadyAddresses: true/);
  assert.match(out, /replicas: 5/);
});

Deno.test("secrets of generated texts are made anew each time", async () => {
  for (const kind of ["k8s", "docker-compose"]) {
    const secrets = new Set<string>();
    for (let round = 0; round < 2; round++) {
      const { out } = await run(["generate", kind]);
      for (const [, secret] of out.matchAll(/HQL_SECRET_\w+: "([^"]+)"/g)) {
        secrets.add(secret!);
      }
    }
    assert.equal(secrets.size, 4);
  }
});

Deno.test("generate docker-compose writes members that resolve", async () => {
  const { out } = await run(["generate", "docker-compose"]);
  const nodes = below(out, "HQL_NODES: |");
  for (const id of ["1", "2", "3"]) {
    const { config } = resolveConfig({
      env: {
        HQL_NODE_ID: id,
        HQL_NODES: nodes,
        HQL_SECRET_RAFT: "raft-secret-0123456789",
        HQL_SECRET_API: "api-secret-0123456789",
      },
    });
    assert.equal(config.nodeId, Number(id));
    assert.match(out, new RegExp(`127\\.0\\.0\\.1:820${Number(id) - 1}:8200`));
  }
});

Deno.test("generate systemd writes a unit with the paths it was given", async () => {
  const { out } = await run([
    "generate",
    "systemd",
    "--binary=/opt/hiqlite",
    "-c",
    "/srv/h.toml",
  ]);
  assert.match(
    out,
    /^ExecStart=\/opt\/hiqlite serve --config-file %d\/hiqlite\.toml/m,
  );
  assert.match(out, /^LoadCredential=hiqlite\.toml:\/srv\/h\.toml$/m);
  // A stop may take 15 s, and SIGHUP reads certificates again.
  const [, stopS] = /^TimeoutStopSec=(\d+)$/m.exec(out)!;
  assert.ok(Number(stopS) > 15);
  assert.match(out, /^ExecReload=\/bin\/kill -HUP \$MAINPID$/m);
  assert.match(out, /^MemoryDenyWriteExecute=no$/m);
});

const WRONG: readonly (readonly [string[], RegExp])[] = [
  [[], /A command is missing/],
  [["helm"], /Unknown command 'generate helm'/],
  [["k8s", "--nodes=0"], /--nodes is a number from 1 to 9/],
  [["k8s", "--image=x\ny"], /--image: letters/],
  [["k8s", "--name=Upper"], /--name: up to 40 letters/],
  [["systemd", "--nodes=3"], /generate systemd has no option --nodes/],
];

for (const [args, message] of WRONG) {
  Deno.test(`generate ${JSON.stringify(args)} is refused in words`, async () => {
    const { code, error } = await run(["generate", ...args]);
    assert.equal(code, 2);
    assert.match(error, message);
  });
}
