import { equal, ok } from "node:assert/strict";
import { join } from "node:path";
import { LoopDisk } from "./loop_disk.ts";
import { DISKS_WITH_POWER, testNeeding } from "./requirements.ts";

const powerTest = await testNeeding(DISKS_WITH_POWER);

powerTest(
  "LoopDisk.cutPower() loses what was not synced, and only that",
  async () => {
    const root = await Deno.makeTempDir({ prefix: "hiqlite-disk-" });
    try {
      await using disk = await LoopDisk.create(
        join(root, "image"),
        join(root, "disk"),
        16,
      );
      const path = join(disk.path, "file");
      {
        using file = await Deno.open(path, { write: true, createNew: true });
        await file.write(new TextEncoder().encode("synced"));
        await file.sync();
        await file.seek(0, Deno.SeekMode.Start);
        await file.write(new TextEncoder().encode("thrown"));
      }
      const unsynced = join(disk.path, "renamed");
      await Deno.writeTextFile(`${unsynced}.new`, "never synced");
      await Deno.rename(`${unsynced}.new`, unsynced);
      equal(await Deno.readTextFile(path), "thrown");
      equal(await Deno.readTextFile(unsynced), "never synced");
      await disk.cutPower();
      equal(await Deno.readTextFile(path), "synced");
      const names = await Array.fromAsync(Deno.readDir(disk.path));
      ok(names.every(({ name }) => !name.startsWith("renamed")));
    } finally {
      await Deno.remove(root, { recursive: true });
    }
  },
);
