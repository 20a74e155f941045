import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { splitStatements } from "../../src/state/sqlite/statement/text.ts";
import { runScript } from "./sqllogictest.ts";
import { contentsOf, ThreeMembers } from "./three_members.ts";

/** Statements of a script in texts of about `bytes`, each for one batch. */
function* batches(script: string, bytes: number): Generator<string> {
  let text = "";
  for (const statement of splitStatements(script)) {
    text += statement;
    if (text.length < bytes) continue;
    yield text;
    text = "";
  }
  if (text !== "") yield text;
}

function loadedPlainly(script: string): string {
  const path = Deno.makeTempFileSync();
  try {
    const plain = new DatabaseSync(path);
    plain.exec(script);
    plain.close();
    return contentsOf(path);
  } finally {
    Deno.removeSync(path);
  }
}

/** The queries of a script are many of few shapes: each member answers every shape if this is no multiple of three. */
const EVERY = 4;

const folder = Deno.env.get("HQL_TEST_DATA");
if (folder !== undefined) {
  Deno.test("chinook.sql through three members leaves on each what plain SQLite loads", async () => {
    const script = await Deno.readTextFile(`${folder}/chinook.sql`);
    await using members = await ThreeMembers.open();
    for (const sql of batches(script, 20_000)) await members.batch(sql);
    const plain = loadedPlainly(script);
    assert.match(plain, /PlaylistTrack: 8715 rows/);
    assert.deepEqual(await members.contents(), [plain, plain, plain]);
  });

  for (let i = 1; i <= 5; i++) {
    Deno.test(`select${i}.test passes through three members, and leaves them equal`, async () => {
      const path = `${folder}/sqllogictest/select${i}.test`;
      await using members = await ThreeMembers.open();
      const { statements, queries } = await runScript(
        await Deno.readTextFile(path),
        members,
        EVERY,
      );
      assert.ok(statements > 10 && queries > 500, `${statements} ${queries}`);
      const [first, ...others] = await members.contents();
      for (const other of others) assert.equal(other, first);
    });
  }
}
