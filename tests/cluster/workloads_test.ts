import { deepEqual, ok } from "node:assert/strict";
import { SeededRandom } from "../../src/util/random.ts";
import { contextOf, createSchema, runClients } from "./clients.ts";
import { type Defect, FakeMember } from "./fake_member.ts";
import { Recorder } from "./recorder.ts";
import { WORKLOADS } from "./workloads/all.ts";

const OPERATIONS = 200;
/** Of workloads whose operations wait for time to pass. */
const SLOW_OPERATIONS = 40;

/** On a busy machine nobody may have looked in time in a whole history: so many others are looked at. */
const SEEDS = 10;

/** Anomalies that a workload sees in a fake member with a defect. */
async function anomalies(
  name: string,
  seed: number,
  defect?: Defect,
): Promise<string[]> {
  const workload = WORKLOADS[name]!();
  const recorder = new Recorder();
  await using member = new FakeMember(defect);
  await createSchema(member, workload);
  const ended = new AbortController();
  const { operate } = workload;
  const slow = name === "cache-ttl" || name === "guarded-set";
  const operations = slow ? SLOW_OPERATIONS : OPERATIONS;
  await runClients({
    cluster: member,
    workload: {
      ...workload,
      operate: (context) => {
        if (recorder.tally.ok >= operations) ended.abort();
        return operate(context);
      },
    },
    recorder,
    clients: slow ? 8 : 4,
    seed,
    pauseMs: 0,
    signal: ended.signal,
  });
  const context = contextOf(
    member,
    recorder,
    new SeededRandom(seed),
    recorder.newProcess(),
  );
  await workload.finish?.(context);
  const violations = workload.check(recorder.events);
  return [...new Set(violations.map(({ anomaly }) => anomaly))];
}

for (const name of Object.keys(WORKLOADS)) {
  Deno.test(`the ${name} workload accepts a correct member`, async () => {
    deepEqual(await anomalies(name, 1), []);
  });
}

const NOTICED: readonly [string, Defect][] = [
  ["register", "lose"],
  ["register", "stale"],
  ["list-append", "lose"],
  ["list-append", "stale"],
  ["list-append", "double"],
  ["bank", "tear"],
  ["counter", "lose"],
  ["counter", "double"],
  ["counter", "stale"],
  ["set", "lose"],
  ["set", "double"],
  ["unique-ids", "lose"],
  ["monotonic", "lose"],
  ["monotonic", "stale"],
  ["cache-register", "lose"],
  ["cache-register", "stale"],
  ["cache-register", "trust"],
  ["cache-counter", "lose"],
  ["cache-counter", "double"],
  ["cache-counter", "stale"],
  ["cache-slot", "lose"],
  ["cache-slot", "keep"],
  ["cache-slot", "trust"],
  ["cache-ttl", "lose"],
  ["cache-ttl", "hurry"],
  ["guarded-set", "believe"],
  ["guarded-set", "lose"],
  ["topic-events", "hush"],
  ["topic-events", "repeat"],
  ["topic-events", "swap"],
];

for (const [name, defect] of NOTICED) {
  Deno.test(`the ${name} workload notices a member that ${defect}s`, async () => {
    let found: string[] = [];
    for (let seed = 1; found.length === 0 && seed <= SEEDS; seed++) {
      found = await anomalies(name, seed, defect);
    }
    ok(found.length > 0);
  });
}
