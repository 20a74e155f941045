import assert from "node:assert/strict";
import { LoopLag } from "../../../src/node/upkeep/loop_lag.ts";
import { Logger } from "../../../src/util/logger.ts";

function lag(): { lag: LoopLag; lines: string[] } {
  const lines: string[] = [];
  const logger = new Logger("info", ({ message }) => lines.push(message));
  return { lag: new LoopLag(logger, 50), lines };
}

Deno.test("LoopLag reports a stall of a quarter second, not less", () => {
  const { lag: loop, lines } = lag();
  loop.observe(200, false);
  assert.deepEqual(lines, []);
  loop.observe(300, false);
  assert.match(lines[0]!, /blocked for 300 ms$/);
  assert.equal(loop.worstMs, 300);
});

Deno.test("LoopLag tells who leads, and nobody else, what a longer stall would cost", () => {
  const { lag: loop, lines } = lag();
  loop.observe(300, true);
  assert.match(lines[0]!, /leads, and would lose that/);
});

Deno.test("LoopLag calls the loop overloaded after three long stalls in a minute", () => {
  const { lag: loop } = lag();
  for (const late of [600, 600]) loop.observe(late, false);
  assert.equal(loop.overloaded, false);
  for (let i = 0; i < 1_300; i++) loop.observe(0, false);
  loop.observe(600, false);
  assert.equal(loop.overloaded, false, "the first two are forgotten");
  for (const late of [600, 600]) loop.observe(late, false);
  assert.equal(loop.overloaded, true);
  loop.reset();
  assert.equal(loop.overloaded, false);
});
