import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { remoteStoreOf } from "../../src/backup/open_store.ts";
import { S3Store } from "../../src/backup/stores/s3_store.ts";
import { configOf } from "../../src/config/options.ts";
import { silentLogger } from "../../src/util/logger.ts";
import { S3Stub } from "../s3/stub.ts";
import { bytesOf, collected, randomBytes } from "./bytes.ts";
import { impatient, optionsOf } from "./s3_store.ts";

/** A certificate for 127.0.0.1, for ever, of an authority that nobody else knows. */
const FOLDER = new URL("../s3/tls/", import.meta.url);

function stubOverTls(): S3Stub {
  return new S3Stub({
    cert: Deno.readTextFileSync(new URL("cert.pem", FOLDER)),
    key: Deno.readTextFileSync(new URL("key.pem", FOLDER)),
  });
}

Deno.test("s3_ca: an authority of one's own is trusted", async () => {
  await using stub = stubOverTls();
  const store = remoteStoreOf(
    configOf({
      secretRaft: "raft-secret-0123456789",
      secretApi: "api-secret-0123456789",
      s3Url: stub.url,
      s3Bucket: stub.bucket,
      s3Region: stub.credentials.region,
      s3Key: stub.credentials.key,
      s3Secret: stub.credentials.secret,
      s3Ca: fileURLToPath(new URL("ca.pem", FOLDER)),
      encKeys: [{ id: "k1", key: new Uint8Array(32) }],
      encKeyActive: "k1",
    }),
    silentLogger,
  )!;
  const bytes = randomBytes(100_000, 1);
  await store.put("a", bytesOf(bytes));
  assert.deepEqual(await collected(await store.get("a")), bytes);
  await store.close();
});

Deno.test("without s3_ca a server with such a certificate is asked nothing", async () => {
  await using stub = stubOverTls();
  const store = new S3Store(optionsOf(stub), () => {}, impatient);
  await assert.rejects(store.head("a"), /certificate|UnknownIssuer/i);
  assert.deepEqual(stub.requests, []);
  await store.close();
});
