import { CreateMultipartUploadCommand } from "@aws-sdk/client-s3";
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { backupName } from "../../src/backup/names.ts";
import { sealedBytes } from "../../src/backup/seal.ts";
import { connectS3 } from "../../src/backup/stores/s3_client.ts";
import { S3_PATIENCE } from "../../src/backup/stores/s3_options.ts";
import { S3Store } from "../../src/backup/stores/s3_store.ts";
import { WorkerStore } from "../../src/backup/stores/worker_store.ts";
import { silentLogger } from "../../src/util/logger.ts";
import { bytesOf, collected } from "../backup/bytes.ts";
import { storeContract } from "../backup/store_contract.ts";
import { forgetPeak, memoryOf } from "../state/sqlite/children.ts";
import { realServer, type S3Access } from "./access.ts";

const MIB = 1024 * 1024;
const KEY = { id: "k1", key: new Uint8Array(32).fill(9) };

/** Each test has a place of its own in the bucket. */
function placeOn(server: S3Access) {
  const prefix = `${crypto.randomUUID()}/`;
  return { ...server, pathStyle: true, prefix, caCerts: [] };
}

function sealedOn(s3: ReturnType<typeof placeOn>): WorkerStore {
  const setup = { s3, patience: S3_PATIENCE, keys: [KEY], activeKey: "k1" };
  return new WorkerStore(setup, silentLogger);
}

/** So many MiB, none like another, and each made once it is wanted. */
function pieces(count: number): ReadableStream<Uint8Array> {
  let made = 0;
  return new ReadableStream({
    pull(controller) {
      if (made === count) return controller.close();
      const piece = new Uint8Array(MIB).fill(made % 251);
      new DataView(piece.buffer).setUint32(0, made++);
      controller.enqueue(piece);
    },
  }, { highWaterMark: 0 });
}

/** Passes a stream on, and says the hash of what passed. */
function hashing(source: ReadableStream<Uint8Array>) {
  const hash = createHash("sha256");
  const stream = source.pipeThrough(
    new TransformStream<Uint8Array, Uint8Array>({
      transform(bytes, controller) {
        hash.update(bytes);
        controller.enqueue(bytes);
      },
    }),
  );
  return { stream, digest: () => hash.digest("hex") };
}

const server = realServer();
if (server !== null) {
  storeContract("S3Store on a real server", () => {
    const store = new S3Store(placeOn(server));
    const opened = { store, [Symbol.asyncDispose]: () => store.close() };
    return Promise.resolve(opened);
  }, { large: 17 * MIB + 3, raced: null, sealed: null });

  storeContract("WorkerStore on a real server", () => {
    const store = sealedOn(placeOn(server));
    const opened = { store, [Symbol.asyncDispose]: () => store.close() };
    return Promise.resolve(opened);
  }, {
    large: 9 * MIB,
    raced: null,
    sealed: (bytes) => sealedBytes(bytes, "k1"),
  });

  Deno.test("nothing readable is in the bucket of a real server", async () => {
    const s3 = placeOn(server);
    const sealed = sealedOn(s3);
    const raw = new S3Store(s3);
    const text = new TextEncoder().encode(
      "a text to look for ".repeat(500_000),
    );
    await sealed.put("large", bytesOf(text), { size: text.length });
    await sealed.put("small", bytesOf(text.subarray(0, 1000)));
    for (const name of ["large", "small"]) {
      const stored = await collected(await raw.get(name));
      assert(!new TextDecoder("latin1").decode(stored).includes("look for"));
    }
    assert.deepEqual(await collected(await sealed.get("large")), text);
    await Promise.all([sealed.close(), raw.close()]);
  });

  Deno.test("500 MiB go to a real server and come back, in 250 MiB of memory", async () => {
    const store = sealedOn(placeOn(server));
    const name = backupName({ nodeId: 1, unixSec: 1 });
    forgetPeak(Deno.pid);
    const before = memoryOf(Deno.pid, "VmRSS");
    const sent = hashing(pieces(500));
    await store.put(name, sent.stream, { size: 500 * MIB });
    const back = hashing(await store.get(name));
    for await (const _ of back.stream);
    const grown = memoryOf(Deno.pid, "VmHWM") - before;
    await store.delete(name);
    await store.close();
    assert.equal(back.digest(), sent.digest());
    assert.ok(grown < 250, `${grown} MiB more`);
  });

  Deno.test("uploads that were left behind on a real server are removed", async () => {
    const s3 = placeOn(server);
    const store = new S3Store(s3);
    using connection = connectS3(s3, S3_PATIENCE, () => {});
    for (const name of [backupName({ nodeId: 1, unixSec: 1 }), "report.csv"]) {
      const Key = s3.prefix + name;
      const upload = { Bucket: s3.bucket, Key };
      await connection.client.send(new CreateMultipartUploadCommand(upload));
    }
    assert.equal(await store.abortStale(Date.now() - 3_600_000), 0);
    assert.equal(await store.abortStale(Date.now() + 3_600_000), 1);
    assert.equal(await store.abortStale(Date.now() + 3_600_000), 0);
    await store.close();
  });
}
