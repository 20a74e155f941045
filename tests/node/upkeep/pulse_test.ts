import assert from "node:assert/strict";
import type { RaftGroup } from "../../../src/group/group.ts";
import { Pulse } from "../../../src/node/upkeep/pulse.ts";
import { Logger } from "../../../src/util/logger.ts";

const TICK_MS = 50;

/** A pulse whose time stands still until it is told to go on, and what its group was told. */
function pulse(
  slowTick = () => {},
): { pulse: Pulse; told: string[]; pass: (ms: number) => void } {
  let now = 0;
  const told: string[] = [];
  const group = {
    tick: () => told.push("tick"),
    stalled: () => told.push("stalled"),
    core: { role: "follower" },
  } as unknown as RaftGroup;
  return {
    told,
    pass: (ms) => {
      now += ms;
    },
    pulse: new Pulse({
      clock: { monotonic: () => now, wall: () => now },
      logger: new Logger("error", () => {}),
      tickMs: TICK_MS,
      running: () => [group],
      slowTick,
    }),
  };
}

Deno.test("touch() makes up for ticks that are late, each once", () => {
  const { pulse: beats, told, pass } = pulse();
  beats.touch();
  assert.deepEqual(told, []);
  pass(2.5 * TICK_MS);
  beats.touch();
  beats.touch();
  assert.deepEqual(told, ["tick", "tick"]);
  pass(0.5 * TICK_MS);
  beats.touch();
  assert.deepEqual(told, ["tick", "tick", "tick"]);
});

Deno.test("§1.3 touch() after a pause says so before it ticks", () => {
  const { pulse: beats, told, pass } = pulse();
  pass(100 * TICK_MS);
  beats.touch();
  assert.deepEqual(told, ["stalled", "tick", "tick", "tick"]);
});

Deno.test("each of a member's first ticks is a slow one, too, and then every fifth", () => {
  const slow: number[] = [];
  let calls = 0;
  const { pulse: beats, pass } = pulse(() => slow.push(calls));
  for (calls = 1; calls <= 30; calls++) {
    pass(TICK_MS);
    beats.touch();
  }
  const first = Array.from({ length: 20 }, (_, i) => i + 1);
  assert.deepEqual(slow, [...first, 25, 30]);
});
