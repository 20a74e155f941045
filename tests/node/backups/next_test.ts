import assert from "node:assert/strict";
import { Schedule } from "../../../src/backup/schedule.ts";
import { Backups } from "../../../src/node/backups/backups.ts";
import type { BackupPorts } from "../../../src/node/backups/ports.ts";

const NOON = Date.UTC(2026, 10, 27, 12);

function nextOf(schedule: Schedule | null): number | null {
  const clock = { wall: () => NOON, monotonic: () => 0 };
  return new Backups({ clock, schedule, folder: "" } as BackupPorts).next();
}

Deno.test("the next backup is the one of the schedule, by the member's clock; without a schedule there is none", () => {
  assert.equal(
    nextOf(new Schedule("0 30 2 * * *", "UTC", NOON)),
    Date.UTC(2026, 10, 28, 2, 30),
  );
  assert.equal(nextOf(null), null);
});
