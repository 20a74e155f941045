/** The core is a function of its inputs: no clock, no randomness, no timers, nothing asynchronous. */
import assert from "node:assert/strict";
import { Chaos } from "./chaos.ts";

const GUARDED = [
  "Date",
  "Promise",
  "fetch",
  "queueMicrotask",
  "setTimeout",
  "setInterval",
  "performance",
  "crypto",
  "Deno",
] as const;

/** Runs `work` in a world without what the core must not touch. */
function poisoned<T>(work: () => T): T {
  const world = globalThis as unknown as Record<string, unknown>;
  const saved = GUARDED.map((name) =>
    [name, Object.getOwnPropertyDescriptor(globalThis, name)] as const
  );
  const random = Math.random;
  const forbid = (name: string) => () => {
    throw new Error(`${name} was touched`);
  };
  Math.random = forbid("Math.random");
  for (const name of GUARDED) {
    Object.defineProperty(world, name, {
      configurable: true,
      get: forbid(name),
    });
  }
  try {
    return work();
  } finally {
    Math.random = random;
    for (const [name, descriptor] of saved) {
      if (descriptor !== undefined) {
        Object.defineProperty(world, name, descriptor);
      }
    }
  }
}

/** A life with elections, changes, transfers, crashes and snapshots; everything that was sent. */
function trace(seed: number): string {
  const chaos = new Chaos(seed, { voters: 3, spares: 1 });
  const { cluster } = chaos;
  cluster.slowDisks.add("2");
  chaos.run(300);
  const leader = cluster.awaitLeader();
  cluster.change(leader, { addLearners: ["4"], promote: ["4"] });
  cluster.read(leader);
  chaos.run(200);
  for (const id of [1, 2, 3]) cluster.purge(id);
  cluster.crash(3);
  chaos.run(200);
  chaos.finish();
  const { sent, nodes } = cluster;
  const states = Array.from(nodes.values(), ({ status }) => status);
  return JSON.stringify([sent, states]);
}

Deno.test("cores live without Date, Math.random, timers, fetch and promises", () => {
  const sent = poisoned(() => trace(7));
  assert.ok(sent.includes("timeoutNow") || sent.includes("appendEntries"));
});

Deno.test("the poison works", () => {
  assert.throws(() => poisoned(() => Date.now()), /Date was touched/);
  assert.throws(() => poisoned(() => Math.random()), /Math.random was touched/);
  assert.throws(() => poisoned(() => setTimeout(() => {})), /setTimeout/);
  assert.ok(Date.now() > 0, "and wears off");
});

Deno.test("same inputs, same outputs: a seed leaves one trace", () => {
  for (const seed of [1, 2, 3]) assert.equal(trace(seed), trace(seed));
  assert.notEqual(trace(1), trace(2), "seeds matter");
});

Deno.test("the core imports its own folder and three files of util, and never awaits", async () => {
  const folder = new URL("../../src/raft/", import.meta.url);
  let files = 0;
  for await (const { name } of Deno.readDir(folder)) {
    files++;
    const source = await Deno.readTextFile(new URL(name, folder));
    for (const [, path] of source.matchAll(/from "([^"]+)"/g)) {
      assert.match(
        path!,
        /^(\.\/[a-z_]+\.ts|\.\.\/util\/(assert|bytes|random)\.ts)$/,
        `${name} imports ${path}`,
      );
    }
    const code = source.replaceAll(/\/\*[^]*?\*\/|\/\/.*/g, "");
    assert.doesNotMatch(
      code,
      /\b(await|async|Promise|setTimeout|setInterval|Date|performance|Deno)\b/,
      name,
    );
  }
  assert.ok(files > 15);
});
