import assert from "node:assert/strict";
import { FakeMember } from "./fake_member.ts";
import { LocalClient } from "../../src/client/local.ts";
import type { Schema } from "../../src/client/schema.ts";
import { testClientContract } from "./contract.ts";

function open(): Promise<
  { client: LocalClient; member: FakeMember; end: () => Promise<void> }
> {
  const member = new FakeMember();
  const client = new LocalClient(member);
  return Promise.resolve({ client, member, end: () => client.shutdown() });
}

testClientContract("LocalClient", open);

Deno.test("LocalClient.querySync() answers rows by name", async () => {
  await using client = (await open()).client;
  assert.deepEqual(client.querySync("SELECT ? AS n", [5]), [{ n: 5 }]);
});

Deno.test("LocalClient.querySync() refuses a schema that needs to wait", async () => {
  await using client = (await open()).client;
  const schema: Schema<number> = {
    "~standard": {
      version: 1,
      vendor: "tests",
      validate: () => Promise.resolve({ value: 1 }),
    },
  };
  assert.throws(() => client.querySync("SELECT 1", [], { schema }), {
    code: "invalid",
  });
});

Deno.test("LocalClient hands timeouts and keys to the member", async () => {
  const { client, member } = await open();
  await client.execute("SELECT 1", [], { timeoutMs: 7, idempotencyKey: "k" });
  assert.equal(member.writes[0]!.timeoutMs, 7);
  assert.equal(member.writes[0]!.idempotencyKey, "k");
  await client.query("SELECT 1", [], { timeoutMs: 8 });
  assert.deepEqual(member.queries[0]!.limits, { timeoutMs: 8 });
  await client.shutdown();
});

Deno.test("LocalClient.shutdown() stops the member", async () => {
  const { client, member } = await open();
  await client.shutdown();
  assert.equal(member.stops, 1);
});

const FOLDERS: readonly [string, Record<string, string>, RegExp | string[]][] =
  [
    [
      "in the order of their numbers",
      { "2_b.sql": "", "10_j.txt": "", "1_a.sql": "" },
      ["a", "b"],
    ],
    [
      "and refuses a gap",
      { "1_a.sql": "", "3_c.sql": "" },
      /3_c\.sql: expected number 2/,
    ],
    [
      "and refuses a number used twice",
      { "1_a.sql": "", "01_b.sql": "" },
      /expected number 2/,
    ],
    [
      "and refuses a name without number",
      { "init.sql": "" },
      /init\.sql: expected a name such as/,
    ],
  ];
for (const [title, files, expected] of FOLDERS) {
  Deno.test(`LocalClient.migrate() reads a folder's files ${title}`, async () => {
    const folder = await Deno.makeTempDir();
    const { client, member } = await open();
    try {
      for (const [name, sql] of Object.entries(files)) {
        await Deno.writeTextFile(`${folder}/${name}`, sql);
      }
      if (expected instanceof RegExp) {
        await assert.rejects(client.migrate(folder), {
          code: "invalid",
          message: expected,
        });
        assert.equal(member.writes.length, 0);
      } else {
        await client.migrate(folder);
        const { body } = member.writes[0]!;
        assert(body.kind === "migrate");
        assert.deepEqual(body.migrations.map(({ name }) => name), expected);
      }
    } finally {
      await client.shutdown();
      await Deno.remove(folder, { recursive: true });
    }
  });
}

Deno.test("LocalClient.migrate() names the folder it cannot read", async () => {
  await using client = (await open()).client;
  await assert.rejects(client.migrate("no/such/folder"), {
    code: "storage",
    message: /Cannot read no\/such\/folder/,
  });
});
