import assert from "node:assert/strict";
import * as fs from "node:fs";
import { Program } from "../cli/program.ts";
import {
  databaseOf,
  dataHashes,
  fill,
  readBack,
  TestFolder,
} from "./stopped_member.ts";

const STEPS = [
  /^Copying /,
  /^Checking every page/,
  /^Beginning a new cluster/,
  /^Putting it in the place/,
];

for (const step of STEPS) {
  Deno.test(`kill -9 of a restore at ${step}: the data is as it was, or the backup's; done again it is the backup's`, async () => {
    await using folder = new TestFolder();
    await fill(folder.at("source"), ["a", "b"]);
    const backup = databaseOf(folder.at("source"));
    const target = folder.at("target");
    const old = await fill(target, ["old"]);
    const before = dataHashes(target);
    const args = ["restore", "--data-dir", target, "--from", `file:${backup}`];
    {
      await using program = new Program([...args, "--confirm", old]);
      await program.line(step);
      program.signal("SIGKILL");
      await program.status;
    }
    // On a busy machine it may have gone further before the signal came.
    const renamed = fs.readdirSync(target).some((name) =>
      /^restore\.\d/.test(name)
    ) || fs.existsSync(`${target}/quarantine`);
    if (!renamed) assert.deepEqual(dataHashes(target), before);
    const { rows, clusterId } = await readBack(target);
    assert.deepEqual(rows, renamed ? ["a", "b"] : ["old"]);
    assert.equal(clusterId === old, !renamed);
    await using again = new Program([...args, "--confirm", clusterId]);
    assert.equal((await again.status).code, 0, again.output);
    assert.deepEqual((await readBack(target)).rows, ["a", "b"]);
  });
}
