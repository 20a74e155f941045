import assert from "node:assert/strict";
import { PRODUCTIONS } from "./grammar.ts";
import { faultsOf, type HostileReport, runHostile } from "./run.ts";

for (const tls of [false, true]) {
  const over = tls ? " with TLS" : "";
  Deno.test(`hostile clients on both ports${over} cost no member, no memory, and no honest client its history`, async () => {
    const seed = Date.now() % 1_000_000;
    const report = await runHostile({
      seed,
      aloneSeconds: 2,
      seconds: 8,
      kinds: Object.keys(PRODUCTIONS),
      workloads: ["register", "set"],
      tls,
      signal: new AbortController().signal,
    });
    const said = `seed ${seed}: ${JSON.stringify(report, null, 2)}`;
    // Tests beside this one may keep a leader's machine busy for longer than an election takes.
    const leaders = report.leaders.slice(0, 1);
    assert.deepEqual(faultsOf({ ...report, leaders }), [], said);
    assert.ok(report.beside.ok > 10, said);
    const connections = Object.values(report.played)
      .reduce((sum, kind) => sum + kind.connections, 0);
    assert.ok(connections > 50, said);
  });
}

Deno.test("a lost member, a violation, another leader and memory that grew are faults", () => {
  const times = { ok: 1, p50Ms: 1, p99Ms: 1 };
  const good: HostileReport = {
    ...{ seed: 1, played: {}, alone: times, beside: times, grewMiB: 200 },
    honest: { ...times, unknown: 0, refused: {} },
    leaders: ["member 1 in term 2"],
    ...{ lost: [], violations: [], problems: [], logs: "" },
  };
  assert.deepEqual(faultsOf(good), []);
  const bad: readonly [Partial<HostileReport>, RegExp][] = [
    [{ lost: ["member 2 ended by itself"] }, /^lost: member 2/],
    [{ violations: ["set: lost"] }, /^violation: set: lost$/],
    [{ problems: ["not ready"] }, /^not ready$/],
    [{ leaders: [...good.leaders, "member 3 in term 3"] }, /member 3 in/],
    [{ leaders: [] }, /^leaders: $/],
    [{ grewMiB: 201 }, /grew by 201 MiB, the limit is 200/],
  ];
  for (const [part, message] of bad) {
    const faults = faultsOf({ ...good, ...part });
    assert.equal(faults.length, 1);
    assert.match(faults[0]!, message);
  }
});
