import assert from "node:assert/strict";
import * as fs from "node:fs";
import { join } from "node:path";
import { open } from "../../src/app/open.ts";
import type { BackupRecord } from "../../src/state/backups/types.ts";
import { run } from "../cli/fake_terminal.ts";
import { S3Stub } from "../s3/stub.ts";
import { until } from "../state/sqlite/children.ts";
import { bucketOptions, bucketVariables, keyLine } from "./bucket.ts";
import { readBack, TestFolder } from "./stopped_member.ts";

const MARKER = "marker-that-nobody-may-read-in-the-bucket";

/** A member that has taken a backup with one row into the stub's bucket, stopped. */
async function backedUp(
  folder: TestFolder,
  stub: S3Stub,
): Promise<BackupRecord> {
  const db = await open({
    dataDir: folder.at("source"),
    ...bucketOptions(stub),
    backupCron: "",
  });
  try {
    await db.execute("CREATE TABLE IF NOT EXISTS t (text TEXT)");
    await db.execute("INSERT INTO t VALUES (?)", [MARKER]);
    return await db.backup();
  } finally {
    await db.shutdown();
  }
}

Deno.test("a backup goes to S3 sealed, leaves no copy on the member, and is listed, verified, copied out and restored", async () => {
  await using folder = new TestFolder();
  await using stub = new S3Stub();
  const { name, place, contents } = await backedUp(folder, stub);
  assert.equal(place, "store");
  assert.deepEqual(fs.readdirSync(folder.at("source/backups")), []);
  assert.deepEqual([...stub.objects.keys()], [name]);
  const { body } = stub.objects.get(name)!;
  assert.deepEqual([...body.subarray(0, 2)], [1, 1]);
  assert.equal(Buffer.from(body).includes(MARKER), false);
  const env = { ...bucketVariables(stub), HQL_DATA_DIR: folder.at("cli") };

  const listed = await run(["backup", "list"], env);
  assert.match(listed.out, new RegExp(`^${name} .* k1$`, "m"));
  const verified = await run(["backup", "verify", "--json"], env);
  assert.equal(verified.code, 0, verified.error);
  const facts = JSON.parse(verified.out);
  assert.equal(facts.sha256, contents!.sha256);
  assert.equal(facts.state_hash, contents!.hash);
  assert.equal(facts.index, contents!.index);
  const copy = folder.at("copy.sqlite");
  await run(["backup", "get", "latest", "--to", copy], env);
  assert.equal(fs.statSync(copy).size, contents!.size);
  const again = await run(["backup", "get", name, "--to", copy], env);
  assert.match(again.error, /is there already/);

  for (const [at, source] of [`s3:${name}`, "latest"].entries()) {
    const target = folder.at(`target-${at}`);
    const { code, error } = await run(
      ["restore", "--from", source, "--data-dir", target],
      env,
    );
    assert.equal(code, 0, error);
    assert.deepEqual((await readBack(target)).rows, [MARKER]);
  }
});

Deno.test("a member gives a backup as a plain file, from its folder or unsealed from the store, and says who has it", async () => {
  await using folder = new TestFolder();
  await using stub = new S3Stub();
  const sha256Of = async (bytes: ReadableStream<Uint8Array>) =>
    new Uint8Array(
      await crypto.subtle.digest(
        "SHA-256",
        await new Response(bytes as ReadableStream).arrayBuffer(),
      ),
    ).toHex();
  const refusal = (code: string) => (error: { readonly code?: string }) =>
    error.code === code;
  const inBucket = { ...bucketOptions(stub), backupCron: "" };
  for (
    const [place, options] of Object.entries({ folder: {}, store: inBucket })
  ) {
    await using db = await open({ dataDir: folder.at(place), ...options });
    await db.execute("CREATE TABLE t (text TEXT)");
    const { name, contents } = await db.backup();
    const { backups } = db.member;
    const file = await backups.file(name);
    assert.deepEqual([file.name, file.size], [name, contents!.size]);
    assert.equal(await sha256Of(file.bytes), contents!.sha256);
    await assert.rejects(
      backups.file("backup_node_1_1.sqlite"),
      refusal("not_found"),
    );
    await assert.rejects(backups.file("../state.sqlite"), refusal("not_found"));
    if (place === "folder") {
      fs.rmSync(join(folder.at(place), "backups", name));
      await assert.rejects(backups.file(name), refusal("conflict"));
    } else {
      // The copy that was sent goes after the backup is known to be taken.
      const copy = join(folder.at(place), "backups", name);
      await until(() => !fs.existsSync(copy), 60_000);
      stub.objects.delete(name);
      await assert.rejects(backups.file(name), refusal("not_found"));
    }
  }
});

Deno.test("an object that another one took the place of is refused, as is one that is damaged or not there", async () => {
  await using folder = new TestFolder();
  await using stub = new S3Stub();
  const { name } = await backedUp(folder, stub);
  const stored = stub.objects.get(name)!;
  const env = bucketVariables(stub);
  const restore = (from: string) =>
    run(["restore", "--from", from, "--data-dir", folder.at("target")], env);
  const other = "backup_node_1_2000000000.sqlite";
  stub.objects.set(other, stored);
  assert.match(
    (await restore("latest")).error,
    /it is not what it is said to be/,
  );
  assert.match(
    (await run(["backup", "verify", other], env)).error,
    /says that it is backup_node/,
  );
  const torn = Uint8Array.from(stored.body);
  torn[200]! ^= 1;
  stub.objects.set(name, { ...stored, body: torn });
  const damaged = await restore(`s3:${name}`);
  assert.equal(damaged.code, 1);
  stub.objects.delete(name);
  assert.equal((await restore(`s3:${name}`)).code, 1);
  assert.equal(
    fs.existsSync(join(folder.at("target"), "state_machine")),
    false,
  );
});

Deno.test("without S3 an s3: source is refused by the key that is missing", async () => {
  await using folder = new TestFolder();
  const args = ["restore", "--from", "latest", "--data-dir", folder.at("t")];
  const { code, error } = await run(args);
  assert.equal(code, 1);
  assert.match(error, /HQL_S3_URL/);
});

Deno.test("a backup whose answer was lost is there once, and known to be taken", async () => {
  await using folder = new TestFolder();
  await using stub = new S3Stub();
  let lost = 0;
  stub.fault = ({ method }) =>
    method === "PUT" && lost++ === 0 ? "lost answer" : null;
  const { name, contents } = await backedUp(folder, stub);
  assert.equal(lost > 0, true);
  assert.deepEqual([...stub.objects.keys()], [name]);
  const env = bucketVariables(stub);
  const { out } = await run(["backup", "verify", "--json"], env);
  assert.equal(JSON.parse(out).sha256, contents!.sha256);
});

Deno.test("rekey seals everything with the active key, and the old one is needed no more", async () => {
  await using folder = new TestFolder();
  await using stub = new S3Stub();
  const { name } = await backedUp(folder, stub);
  const both = {
    ...bucketVariables(stub),
    ENC_KEYS: `${keyLine("k1", 7)}\n${keyLine("k2", 9)}`,
    ENC_KEY_ACTIVE: "k2",
  };
  const { out } = await run(["backup", "rekey"], both);
  assert.match(out, new RegExp(`^${name}: sealed with k2$`, "m"));
  const again = await run(["backup", "rekey"], both);
  assert.match(again.out, /^0 of them/);
  const only = { ...both, ENC_KEYS: keyLine("k2", 9) };
  assert.equal((await run(["backup", "verify", name], only)).code, 0);
  assert.equal(
    (await run(["backup", "verify", name], bucketVariables(stub))).code,
    1,
  );
});

Deno.test("old backups in the bucket go after one that succeeded; what is not ours stays", async () => {
  await using folder = new TestFolder();
  await using stub = new S3Stub();
  const object = { body: new Uint8Array(3), modified: new Date(), etag: "e" };
  const old = "backup_node_2_1000.sqlite";
  for (const name of [old, "photo.jpg", "other/backup_node_2_1000.sqlite"]) {
    stub.objects.set(name, object);
  }
  const { name } = await backedUp(folder, stub);
  assert.deepEqual(
    [...stub.objects.keys()].toSorted(),
    [
      name,
      "other/backup_node_2_1000.sqlite",
      "photo.jpg",
    ].toSorted(),
  );
});

Deno.test("without the right to delete, backups go on", async () => {
  await using folder = new TestFolder();
  await using stub = new S3Stub();
  stub.objects.set("backup_node_2_1000.sqlite", {
    body: new Uint8Array(3),
    modified: new Date(),
    etag: "e",
  });
  stub.fault = ({ method }) =>
    method === "DELETE" ? { status: 403, code: "AccessDenied" } : null;
  const { state } = await backedUp(folder, stub);
  assert.equal(state, "done");
  assert.equal(stub.objects.size, 2);
});
