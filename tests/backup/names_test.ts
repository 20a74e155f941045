import assert from "node:assert/strict";
import {
  archiveName,
  backupName,
  baseName,
  parseArchiveName,
  parseBackupName,
  parseBaseName,
} from "../../src/backup/names.ts";

Deno.test("backupName() is Hiqlite's, and parseBackupName() reads it back", () => {
  const name = backupName({ nodeId: 3, unixSec: 1_796_000_000 });
  assert.equal(name, "backup_node_3_1796000000.sqlite");
  assert.deepEqual(parseBackupName(name), {
    nodeId: 3,
    unixSec: 1_796_000_000,
  });
});

Deno.test("parseBackupName() knows no other name", () => {
  for (
    const name of [
      "backup_node_0_1.sqlite",
      "backup_node_01_1.sqlite",
      "backup_node_1_01.sqlite",
      "backup_node_1_1.sqlite.new",
      "backup_node_1_.sqlite",
      "backup_node_1_-1.sqlite",
      "a/backup_node_1_1.sqlite",
      "backup_node_1_1.sqlite\n",
      "backup_node_1_123456789012.sqlite",
      "",
    ]
  ) assert.equal(parseBackupName(name), undefined, name);
});

Deno.test("archiveName() sorts as the log does, and parseArchiveName() reads it back", () => {
  const segments = [1, 255, 256, 2 ** 40, Number.MAX_SAFE_INTEGER].map((
    first,
  ) => ({ clusterId: "c0ffee", first, last: first, term: 17, timeMs: 4096 }));
  const names = segments.map(archiveName);
  assert.equal(
    names[1],
    "log/c0ffee/00000000000000ff-00000000000000ff_0000000000000011_0000000000001000.seg",
  );
  assert.deepEqual([...names].sort(), names);
  assert.deepEqual(names.map(parseArchiveName), segments);
});

Deno.test("parseArchiveName() knows no other name", () => {
  const digits = "0000000000000001";
  for (
    const name of [
      `log/c/${digits}-${digits}_${digits}_${digits}`,
      `log/c/${digits}-${digits}_${digits}.seg`,
      `log/c/0000000000000002-${digits}_${digits}_${digits}.seg`,
      `log//${digits}-${digits}_${digits}_${digits}.seg`,
      `log/../${digits}-${digits}_${digits}_${digits}.seg`,
      `log/c/ffffffffffffffff-ffffffffffffffff_${digits}_${digits}.seg`,
      `log/c/000000000000000A-000000000000000B_${digits}_${digits}.seg`,
      `x/log/c/${digits}-${digits}_${digits}_${digits}.seg`,
    ]
  ) assert.equal(parseArchiveName(name), undefined, name);
});

Deno.test("baseName() names a backup and where it ends, and parseBaseName() reads it back and knows no other name", () => {
  const base = {
    clusterId: "c0ffee",
    index: 255,
    timeMs: 4096,
    backup: "backup_node_2_1796000000.sqlite",
  };
  const name = baseName(base);
  assert.equal(
    name,
    "log/c0ffee/00000000000000ff_0000000000001000_backup_node_2_1796000000.sqlite.base",
  );
  assert.deepEqual(parseBaseName(name), base);
  assert.equal(parseArchiveName(name), undefined);
  for (
    const other of [
      name.replace(".base", ""),
      name.replace("backup_node_2", "backup_node_0"),
      name.replace("00000000000000ff", "ffffffffffffffff"),
      name.replace("c0ffee", ".."),
      `x/${name}`,
    ]
  ) assert.equal(parseBaseName(other), undefined, other);
});
