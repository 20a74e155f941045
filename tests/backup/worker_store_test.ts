import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { remoteStoreOf } from "../../src/backup/open_store.ts";
import { sealedBytes } from "../../src/backup/seal.ts";
import {
  WorkerStore,
  type WorkerStoreOptions,
} from "../../src/backup/stores/worker_store.ts";
import { configOf } from "../../src/config/options.ts";
import { Logger, silentLogger } from "../../src/util/logger.ts";
import { S3Stub } from "../s3/stub.ts";
import { bytesOf, collected, randomBytes } from "./bytes.ts";
import { impatient, optionsOf } from "./s3_store.ts";
import { rejects, storeContract } from "./store_contract.ts";

const MIB = 1024 * 1024;
const KEY = { id: "k1", key: new Uint8Array(32).fill(9) };

function openOn(
  stub: S3Stub,
  { logger = silentLogger, ...options }: WorkerStoreOptions & {
    readonly logger?: Logger;
  } = {},
) {
  const store = new WorkerStore(
    { s3: optionsOf(stub), patience: impatient, keys: [KEY], activeKey: "k1" },
    logger,
    options,
  );
  return { store, [Symbol.asyncDispose]: () => store.close() };
}

storeContract("WorkerStore on the stub", () => {
  const stub = new S3Stub();
  const { store } = openOn(stub);
  return Promise.resolve({
    store,
    async [Symbol.asyncDispose]() {
      await store.close();
      await stub[Symbol.asyncDispose]();
    },
  });
}, {
  large: 9 * MIB,
  raced: 1000,
  sealed: (bytes) => sealedBytes(bytes, "k1"),
});

Deno.test("nothing readable goes to S3, in whatever way", async () => {
  await using stub = new S3Stub();
  const config = configOf({
    secretRaft: "raft-secret-0123456789",
    secretApi: "api-secret-0123456789",
    s3Url: stub.url,
    s3Bucket: stub.bucket,
    s3Region: stub.credentials.region,
    s3Key: stub.credentials.key,
    s3Secret: stub.credentials.secret,
    s3Prefix: "app/",
    encKeys: [KEY],
    encKeyActive: "k1",
  });
  const store = remoteStoreOf(config, silentLogger)!;
  const marker = new TextEncoder().encode("a text to look for ");
  const text = new Uint8Array(9 * MIB);
  for (let at = 0; at + marker.length <= text.length; at += marker.length) {
    text.set(marker, at);
  }
  // Of a broken upload, too: its parts may stay.
  stub.fault = ({ method, key }) =>
    key.endsWith("broken") && method === "DELETE" ? { status: 403 } : null;
  await store.put("small", bytesOf(text.subarray(0, 1000)));
  await store.put("large", bytesOf(text), { size: text.length });
  await store.put("log/c/1", bytesOf(text.subarray(0, 1000)));
  const failing = bytesOf(text, { failAfter: text.length - 1 });
  await assert.rejects(store.put("broken", failing), /the source failed/);
  const bodies = [
    ...[...stub.objects.values()].map(({ body }) => body),
    ...[...stub.uploads.values()].flatMap(({ parts }) => [...parts.values()]),
  ];
  assert.equal(stub.objects.size, 3);
  assert([...stub.objects.keys()].every((key) => key.startsWith("app/")));
  for (const body of bodies) {
    assert(!new TextDecoder("latin1").decode(body).includes("look for"));
  }
  assert.deepEqual(await collected(await store.get("large")), text);
  await store.close();
});

Deno.test("without S3 there is no store, and without a call no thread", async () => {
  const secrets = {
    secretRaft: "raft-secret-0123456789",
    secretApi: "api-secret-0123456789",
  };
  assert.equal(remoteStoreOf(configOf(secrets), silentLogger), null);
  await using stub = new S3Stub();
  await using opened = openOn(stub);
  assert.equal(opened.store.isRunning, false);
  await opened.store.head("x");
  assert.equal(opened.store.isRunning, true);
});

Deno.test("remoteStoreOf() names s3_ca where it is no file of certificates", async () => {
  const config = {
    secretRaft: "raft-secret-0123456789",
    secretApi: "api-secret-0123456789",
    s3Url: "https://127.0.0.1:1",
    s3Bucket: "backups",
    s3Region: "r",
    s3Key: "k",
    s3Secret: "s",
    encKeys: [KEY],
    encKeyActive: "k1",
  };
  const path = await Deno.makeTempFile();
  try {
    for (const s3Ca of ["/nowhere/ca.pem", path]) {
      assert.throws(
        () => remoteStoreOf(configOf({ ...config, s3Ca }), silentLogger),
        { key: "s3_ca" },
      );
    }
  } finally {
    await Deno.remove(path);
  }
});

Deno.test("WorkerStore ends its thread when nothing is under way, and begins another", async () => {
  await using stub = new S3Stub();
  await using opened = openOn(stub, { idleMs: 50 });
  const { store } = opened;
  const bytes = randomBytes(2 * MIB, 1);
  await store.put("a", bytesOf(bytes));
  const reading = (await store.get("a")).getReader();
  const first = await reading.read();
  await sleep(300);
  assert.equal(store.isRunning, true, "a stream is being read");
  let length = first.value!.length;
  for (let next; !(next = await reading.read()).done;) {
    length += next.value.length;
  }
  assert.equal(length, bytes.length);
  for (let i = 0; store.isRunning && i < 1000; i++) await sleep(10);
  assert.equal(store.isRunning, false);
  assert.equal((await store.head("a"))!.name, "a");
});

Deno.test("WorkerStore tells of each repeated request in one line, and counts them", async () => {
  await using stub = new S3Stub();
  const lines: string[] = [];
  const logger = new Logger("info", ({ level, message, fields }) => {
    lines.push(`${level} ${message} ${fields.attempt} ${fields.reason}`);
  });
  await using opened = openOn(stub, { logger });
  let failing = 3;
  stub.fault = () => failing-- > 0 ? { status: 503, code: "SlowDown" } : null;
  assert.equal(await opened.store.head("x"), null);
  assert.equal(lines.length, 3);
  assert.match(
    lines[0]!,
    /^warn S3 request failed; it is repeated 1 status 503/,
  );
  assert.equal(opened.store.retries, 3);
});

Deno.test("WorkerStore gives the source's own error, and cancels a source that is not wanted", async () => {
  await using stub = new S3Stub();
  await using opened = openOn(stub);
  const own = new TypeError("of the source");
  const failing = new ReadableStream<Uint8Array>({
    pull: (controller) => controller.error(own),
  });
  const error = await opened.store.put("a", failing).catch((error) => error);
  assert.equal(error, own);
  stub.fault = ({ method }) => method === "GET" ? null : { status: 403 };
  const cancelled = Promise.withResolvers<void>();
  const endless = new ReadableStream<Uint8Array>({
    pull: (controller) => controller.enqueue(new Uint8Array(MIB)),
    cancel: () => cancelled.resolve(),
  });
  await rejects(opened.store.put("b", endless), "forbidden");
  await cancelled.promise;
});

Deno.test("WorkerStore fails what is under way when its thread ends, and goes on with another", async () => {
  await using stub = new S3Stub();
  let starts = 0;
  const start = () =>
    new Worker(
      new URL(
        starts++ === 0
          ? "./broken_worker.ts"
          : "../../src/backup/stores/s3_worker.ts",
        import.meta.url,
      ),
      { type: "module" },
    );
  await using opened = openOn(stub, { start });
  await assert.rejects(opened.store.head("a"), /thread .* ended: .*broken/);
  assert.equal(opened.store.isRunning, false);
  assert.equal(await opened.store.head("a"), null);
  assert.equal(starts, 2);
});

Deno.test("WorkerStore refuses calls once it is closed, and ends those under way", async () => {
  await using stub = new S3Stub();
  const { store } = openOn(stub);
  await store.put("a", bytesOf(randomBytes(MIB, 1)));
  const reading = (await store.get("a")).getReader();
  stub.fault = ({ key }) => key.endsWith("silent") ? "silence" : null;
  const waiting = rejects(store.head("silent"), "shutting_down");
  await store.close();
  await waiting;
  await assert.rejects(async () => {
    while (!(await reading.read()).done);
  });
  await rejects(store.head("a"), "shutting_down");
});
