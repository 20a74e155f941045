import assert from "node:assert/strict";
import { StartWatch } from "../../src/node/start_watch.ts";
import { Logger } from "../../src/util/logger.ts";

Deno.test("a start that waits says every five seconds for what, then every minute, and when it is ready", () => {
  const lines: string[] = [];
  let nowMs = 0;
  let health = { ok: false, detail: "waiting for node 3" };
  const watch = new StartWatch({
    clock: { monotonic: () => nowMs, wall: () => nowMs },
    logger: new Logger("info", ({ message, fields }) => {
      lines.push(`${nowMs / 1000} ${message} ${JSON.stringify(fields)}`);
    }),
    ready: () => health,
    stopping: () => false,
    leaderless: () => nowMs > 90_000 && nowMs < 130_000,
  });
  for (; nowMs <= 200_000; nowMs += 250) watch.tick();
  assert.equal(
    lines[0],
    "5 not ready for 5 s: waiting for node 3 {}",
  );
  assert.deepEqual(
    lines.map((line) => Number(line.split(" ")[0])),
    [5, 10, 15, 20, 25, 30, 35, 40, 45, 50, 55, 60, 130, 190],
  );
  health = { ok: true, detail: "ok" };
  watch.tick();
  health = { ok: false, detail: "no leader" };
  nowMs += 1_000_000;
  watch.tick();
  assert.equal(lines.at(-1), '200.25 ready {"ms":200250}');
});
