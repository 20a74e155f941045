import assert from "node:assert/strict";
import { Subject } from "./subject.ts";
import { driverArgument, test } from "./drivers.ts";

test("§1.5 a killed process leaves applied index and data in agreement, ready at once", async () => {
  await using subject = await Subject.open();
  await subject.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, entry)");
  for (let round = 0; round < 3; round++) {
    const before = subject.machine.applied.index;
    await subject.close();
    const child = new Deno.Command(Deno.execPath(), {
      args: [
        "run",
        "-A",
        "--no-check",
        new URL("./killed_member.ts", import.meta.url).href,
        subject.dir,
        driverArgument(),
      ],
      stdout: "piped",
    }).spawn();
    const reader = child.stdout.getReader();
    for (let lines = 0; lines <= round; lines++) await reader.read();
    child.kill("SIGKILL");
    await reader.cancel();
    await child.status;
    await subject.restart();
    const { index } = subject.machine.applied;
    assert.ok(index > before, `${index} after ${before}`);
    assert.deepEqual(
      subject.rows("SELECT max(entry), count(*) FROM t"),
      [[index, index - 1]],
    );
    assert.deepEqual(subject.rows("PRAGMA integrity_check"), [["ok"]]);
  }
});
