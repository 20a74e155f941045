import assert from "node:assert/strict";
import * as fs from "node:fs";
import { join } from "node:path";
import { DataDir } from "../../../src/node/volume/identity.ts";
import {
  commitReplacement,
  replacementPath,
} from "../../../src/node/volume/replacement.ts";

const NAMES = ["logs", "state_machine", "identity.json"];
const NOW = new Date("2026-01-02T03:04:05.678Z");
const STAMP = "2026-01-02T03-04-05-678Z";

/** Writes what a data directory holds, each piece with this text. */
function write(path: string, text: string): void {
  for (const name of NAMES.slice(0, 2)) {
    fs.mkdirSync(join(path, name), { recursive: true });
    fs.writeFileSync(join(path, name, "file"), text);
  }
  fs.writeFileSync(join(path, NAMES[2]!), text);
}

function read(path: string): string[] {
  return NAMES.map((name) => {
    const file = join(path, name, name === NAMES[2] ? "" : "file");
    return fs.readFileSync(file.replace(/\/$/, ""), "utf8");
  });
}

/** Gives a folder with old data and a replacement that is prepared. */
async function prepared(test: (dir: string) => Promise<void>): Promise<void> {
  const dir = await Deno.makeTempDir({ prefix: "hiqlite-replacement-" });
  try {
    write(dir, "old");
    fs.mkdirSync(replacementPath(dir));
    write(replacementPath(dir), "new");
    await test(dir);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

Deno.test("what is prepared beside the data does not count, and goes with the next start", () =>
  prepared(async (dir) => {
    (await DataDir.open(dir)).close();
    assert.deepEqual(read(dir), ["old", "old", "old"]);
    assert.equal(fs.existsSync(replacementPath(dir)), false);
    assert.equal(fs.existsSync(join(dir, "quarantine")), false);
  }));

/** What was done of putting it in its place: whole pieces, and perhaps the first half of the next one. */
for (let pieces = 0; pieces <= NAMES.length; pieces++) {
  for (const half of pieces < NAMES.length ? [false, true] : [false]) {
    const what = `${pieces} pieces${half ? " and a half" : ""}`;
    Deno.test(`a replacement that counts takes its place at the next start, interrupted after ${what}`, () =>
      prepared(async (dir) => {
        commitReplacement(dir, NOW);
        const from = join(dir, `restore.${STAMP}`);
        const aside = join(dir, "quarantine", STAMP);
        if (pieces > 0 || half) fs.mkdirSync(aside, { recursive: true });
        for (const name of NAMES.slice(0, pieces)) {
          fs.renameSync(join(dir, name), join(aside, name));
          fs.renameSync(join(from, name), join(dir, name));
        }
        if (half) {
          const name = NAMES[pieces]!;
          fs.renameSync(join(dir, name), join(aside, name));
        }
        (await DataDir.open(dir)).close();
        assert.deepEqual(read(dir), ["new", "new", "new"]);
        assert.deepEqual(read(aside), ["old", "old", "old"]);
        assert.equal(fs.existsSync(from), false);
        (await DataDir.open(dir)).close();
        assert.deepEqual(read(dir), ["new", "new", "new"]);
      }));
  }
}

Deno.test("replace() does all of it", () =>
  prepared(async (dir) => {
    // Another preparation: the first one goes when the folder is opened.
    const opened = await DataDir.open(dir);
    fs.mkdirSync(replacementPath(dir));
    write(replacementPath(dir), "newer");
    opened.replace(NOW);
    opened.close();
    assert.deepEqual(read(dir), ["newer", "newer", "newer"]);
    assert.deepEqual(read(join(dir, "quarantine", STAMP)), [
      "old",
      "old",
      "old",
    ]);
  }));
