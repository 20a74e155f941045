import assert from "node:assert/strict";
import { configOf } from "../../src/config/options.ts";

const SECRETS = {
  secretRaft: "raft-secret-0123456789",
  secretApi: "api-secret-0123456789",
};

Deno.test("configOf() fills in the defaults of the file", () => {
  const config = configOf({ ...SECRETS, dataDir: "d" });
  assert.equal(config.dataDir, "d");
  assert.equal(config.nodeId, 1);
  assert.deepEqual(config.logSync, { mode: "immediate" });
  assert(Object.isFrozen(config));
});

Deno.test("configOf() takes what a configuration holds", () => {
  const config = configOf({
    ...SECRETS,
    nodeId: 2,
    nodes: [
      { id: 1, raft: "a:1", api: "a:2" },
      { id: 2, raft: "b:1", api: "b:2" },
    ],
    learnerOnly: true,
  });
  assert.deepEqual(configOf({ ...config }), config);
});

for (const sync of ["interval_200", { mode: "interval", ms: 200 }] as const) {
  Deno.test(`configOf() takes logSync as ${typeof sync}`, () => {
    const { logSync } = configOf({ ...SECRETS, logSync: sync });
    assert.deepEqual(logSync, { mode: "interval", ms: 200 });
  });
}

Deno.test("configOf() names the option that is wrong", () => {
  const wrong = [
    [{ readPoolSize: 0 }, "readPoolSize", /expected an integer .* got 0/],
    [{ readPoolSize: "4" }, "readPoolSize", /got "4"/],
    [{ datadir: "x" }, "datadir", /unknown option/],
    [{ nodeId: 2 }, "nodeId", /node 2 is not in nodes/],
    [{ nodes: [] }, "nodes", /no node is listed/],
  ] as const;
  for (const [options, key, message] of wrong) {
    assert.throws(() => configOf({ ...SECRETS, ...options } as object), {
      key,
      message,
    });
  }
});

Deno.test("configOf() keeps generated secrets of a single member in its folder", async () => {
  const dataDir = await Deno.makeTempDir();
  try {
    const config = configOf({ dataDir });
    assert.equal(config.secretApi.length, 32);
    assert.deepEqual(configOf({ dataDir }), config);
  } finally {
    await Deno.remove(dataDir, { recursive: true });
  }
});
