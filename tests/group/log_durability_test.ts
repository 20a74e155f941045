import assert from "node:assert/strict";
import { MemoryLog } from "../../src/log/memory_log.ts";
import type { Done } from "../../src/log/port.ts";
import { LogDurability } from "../../src/group/log_durability.ts";
import { entriesFrom } from "../log/model.ts";

/** A log whose syncs end when they are told to. */
class SlowLog extends MemoryLog {
  readonly waiting: Done[] = [];

  override sync(done: Done): void {
    this.waiting.push(done);
  }
}

Deno.test("LogDurability counts nothing that replaced what a sync on its way covers (ABA)", () => {
  const log = new SlowLog();
  const durability = new LogDurability(log, { mode: "immediate" }, {
    release: () => {},
    durable: () => {},
    failed: (error) => assert.fail(error),
  });
  const write = (id: number, term: number): void => {
    log.append(entriesFrom(log.last.index + 1, 2, term, 8));
    durability.written(id);
    durability.flush(false);
  };
  write(1, 1);
  log.truncateAfter(1);
  durability.truncated(1);
  write(2, 2);
  log.waiting.shift()!(null);
  assert.equal(durability.index, 1);
  log.waiting.shift()!(null);
  assert.equal(durability.index, 3);
});

Deno.test("whenDurable() waits for all that was written before, and for nothing later", () => {
  const log = new SlowLog();
  const durability = new LogDurability(log, { mode: "immediate" }, {
    release: () => {},
    durable: () => {},
    failed: (error) => assert.fail(error),
  });
  let ran = 0;
  durability.whenDurable(() => ran++);
  assert.equal(ran, 1, "nothing is under way");
  for (const id of [1, 2]) {
    durability.written(id);
    durability.flush(true);
  }
  durability.whenDurable(() => ran++);
  durability.written(3);
  durability.flush(true);
  log.waiting.shift()!(null);
  assert.equal(ran, 1);
  log.waiting.shift()!(null);
  assert.equal(ran, 2);
  log.waiting.shift()!(null);
  assert.equal(ran, 2);
});
