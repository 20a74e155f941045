/**
 * Walks through every state that a few members can reach within bounds, over
 * the real core. Messages stay on the wire once sent, so that each may be
 * delivered at any time, in any order, as often as one likes, or never; disks are
 * slow; members crash and come back with what was durable. Every state is checked.
 *
 * What a member does depends on its own state and the input alone, so each pair
 * of them is computed once: states of the whole are many, of a member few.
 *
 * `deno run tests/raft/explore/main.ts --seconds 600 --terms 3 --proposals 2` goes on for longer.
 */
import { parseArgs } from "node:util";
import { explore, wander } from "./search.ts";
import { describe } from "./survey.ts";
import type { Bounds } from "./world.ts";

const number = { type: "string" } as const;
const { values } = parseArgs({
  options: {
    seconds: { ...number, default: "60" },
    // With a seed: random ways instead of all of them.
    seed: number,
    voters: { ...number, default: "3" },
    terms: { ...number, default: "2" },
    proposals: { ...number, default: "1" },
    crashes: { ...number, default: "1" },
    heartbeats: { ...number, default: "0" },
    reads: { ...number, default: "0" },
    "fast-disks": { type: "boolean", default: false },
  },
});
const bounds: Bounds = {
  voters: Number(values.voters),
  terms: Number(values.terms),
  proposals: Number(values.proposals),
  crashes: Number(values.crashes),
  heartbeats: Number(values.heartbeats),
  reads: Number(values.reads),
  slowDisks: !values["fast-disks"],
};
const limitMs = Number(values.seconds) * 1000;
const found = values.seed === undefined
  ? explore(bounds, limitMs)
  : wander(bounds, Number(values.seed), { limitMs });
Deno.stdout.writeSync(new TextEncoder().encode(describe(bounds, found)));
