import assert from "node:assert/strict";
import { backupName } from "../../src/backup/names.ts";
import { expiredObjects } from "../../src/backup/retention.ts";
import type { OnRetry } from "../../src/backup/stores/s3_options.ts";
import { S3Store } from "../../src/backup/stores/s3_store.ts";
import { sweep } from "../../src/backup/sweep.ts";
import { FaultyLine } from "../s3/faulty_line.ts";
import { type Fault, S3Stub, type StubRequest } from "../s3/stub.ts";
import { bytesOf, collected, randomBytes } from "./bytes.ts";
import { impatient, optionsOf } from "./s3_store.ts";
import { rejects } from "./store_contract.ts";

const MIB = 1024 * 1024;
const LARGE = randomBytes(17 * MIB + 5, 1);

function openOn(stub: S3Stub, patience = impatient) {
  const retries: Parameters<OnRetry>[0][] = [];
  const store = new S3Store(
    optionsOf(stub),
    (failure) => retries.push(failure),
    patience,
  );
  return { store, retries, [Symbol.asyncDispose]: () => store.close() };
}

/** Every request of a kind fails so often before it succeeds. */
function each(
  fault: Fault,
  times: number,
  wanted: (request: StubRequest) => boolean = () => true,
): (request: StubRequest) => Fault | null {
  const failures = new Map<string, number>();
  return (request) => {
    if (!wanted(request)) return null;
    const { method, key, query } = request;
    const id = `${method} ${key} ${query.get("partNumber")}`;
    const count = failures.get(id) ?? 0;
    failures.set(id, count + 1);
    return count < times ? fault : null;
  };
}

for (
  const [title, fault] of [
    ["503", { status: 503, code: "SlowDown" }],
    ["500", { status: 500 }],
    ["429", { status: 429, code: "TooManyRequests" }],
    ["a timeout of the server's own", { status: 400, code: "RequestTimeout" }],
  ] as const
) {
  Deno.test(`S3Store goes on after ${title}, whatever was asked`, async () => {
    await using stub = new S3Stub();
    await using opened = openOn(stub);
    const { store, retries } = opened;
    // The answer to HEAD has no body that says which 400 it is.
    stub.fault = each(
      fault,
      2,
      ({ method }) => fault.status !== 400 || method !== "HEAD",
    );
    await store.put("large", bytesOf(LARGE), { size: LARGE.length });
    await store.put("small", bytesOf(LARGE.subarray(0, 10)));
    assert.deepEqual(await collected(await store.get("large")), LARGE);
    assert.equal((await store.list("")).objects.length, 2);
    await store.delete("large");
    assert.equal(await store.abortStale(0), 0);
    assert.equal(stub.uploads.size, 0);
    assert(retries.length >= 12, `${retries.length}`);
    const { attempt, reason, pauseMs } = retries[1]!;
    assert.equal(attempt, 2);
    if (title !== "500") assert.match(reason, new RegExp(`${fault.status}`));
    assert(pauseMs >= impatient.pauseMs && pauseMs <= impatient.pauseMaxMs);
  });
}

Deno.test("S3Store gives up after so many requests, within a bound, and leaves nothing", async () => {
  await using stub = new S3Stub();
  await using opened = openOn(stub);
  const { store, retries } = opened;
  stub.fault = ({ query }) =>
    query.get("partNumber") === "2" ? { status: 503 } : null;
  await rejects(
    store.put("large", bytesOf(LARGE), { size: LARGE.length }),
    "storage",
  );
  assert.equal(retries.length, impatient.attempts - 1);
  const parts = stub.requests.filter((each) => each === "PUT app/large");
  // Part 1, part 2 as often as it may, and part 3 at most once.
  assert(parts.length <= impatient.attempts + 2, `${parts.length}`);
  assert.equal(stub.objects.size, 0);
  assert.equal(stub.uploads.size, 0);
  stub.fault = () => null;
  await store.put("large", bytesOf(LARGE), { size: LARGE.length });
  assert.equal((await store.head("large"))!.size, LARGE.length);
});

Deno.test("S3Store asks once where asking again is no use", async () => {
  await using stub = new S3Stub();
  await using opened = openOn(stub);
  const { store, retries } = opened;
  for (
    const [status, code, expected] of [
      [403, "AccessDenied", "forbidden"],
      [400, "InvalidRequest", "storage"],
      [501, "NotImplemented", "storage"],
    ] as const
  ) {
    stub.fault = () => ({ status, code });
    await rejects(store.list(""), expected);
  }
  assert.equal(retries.length, 0);
  assert.equal(stub.requests.length, 3);
});

Deno.test("S3Store ends requests that nobody answers, and goes on", async () => {
  await using stub = new S3Stub();
  const patience = { ...impatient, answerMs: 100 };
  await using opened = openOn(stub, patience);
  const { store, retries } = opened;
  await store.put("small", bytesOf(LARGE.subarray(0, 10)));
  stub.fault = each("silence", 1);
  assert.equal((await store.head("small"))!.size, 10);
  assert.deepEqual(
    retries.map(({ reason }) => reason),
    ["no answer in time"],
  );
  stub.fault = () => "silence";
  await rejects(store.head("small"), "timeout");
  assert.equal(retries.length, 1 + patience.attempts - 1);
});

Deno.test("S3Store begins no request once its time is over", async () => {
  await using stub = new S3Stub();
  const patience = { ...impatient, answerMs: 60, giveUpMs: 30, attempts: 100 };
  await using opened = openOn(stub, patience);
  stub.fault = () => "silence";
  await rejects(opened.store.head("small"), "timeout");
  assert.equal(stub.requests.length, 1);
});

Deno.test("S3Store goes on where an answer's body was cut, without what it has", async () => {
  await using stub = new S3Stub();
  await using opened = openOn(stub);
  const { store, retries } = opened;
  await store.put("large", bytesOf(LARGE), { size: LARGE.length });
  let gets = 0;
  stub.fault = ({ method }) =>
    method === "GET" && gets++ % 2 === 0 ? { cutAfter: 3 * MIB } : null;
  assert.deepEqual(await collected(await store.get("large")), LARGE);
  assert(retries.some(({ what }) => what === "download"));
  stub.fault = ({ method }) => method === "GET" ? { cutAfter: 0 } : null;
  await rejects(
    store.get("large").then((stream) => collected(stream)),
    "storage",
  );
});

Deno.test("S3Store ends a body that falls silent, and goes on", async () => {
  await using stub = new S3Stub();
  await using opened = openOn(stub, { ...impatient, silenceMs: 1_000 });
  const { store, retries } = opened;
  await store.put("large", bytesOf(LARGE), { size: LARGE.length });
  stub.fault = each({ silentAfter: MIB }, 1, ({ method }) => method === "GET");
  assert.deepEqual(await collected(await store.get("large")), LARGE);
  const said = retries.map(({ what, reason }) => `${what}: ${reason}`);
  // A busy machine may be silent by itself, so it may have gone on more than once.
  assert.deepEqual([...new Set(said)], ["download: silence for 1000 ms"]);
});

Deno.test("S3Store does not mix an object with another that took its place", async () => {
  await using stub = new S3Stub();
  await using opened = openOn(stub);
  const { store } = opened;
  await store.put("large", bytesOf(LARGE), { size: LARGE.length });
  const reader = (await store.get("large")).getReader();
  await reader.read();
  await store.delete("large");
  await store.put("large", bytesOf(LARGE.toReversed()), { size: LARGE.length });
  await assert.rejects(async () => {
    while (!(await reader.read()).done);
  }, /was replaced while it was read/);
});

Deno.test("S3Store knows its own object again when the answer was lost", async () => {
  await using stub = new S3Stub();
  await using opened = openOn(stub);
  const { store } = opened;
  const isWrite = ({ method, query }: StubRequest) =>
    method === "PUT" && !query.has("partNumber") ||
    method === "POST" && query.has("uploadId");
  for (
    const [name, size] of [["small", 10], ["large", LARGE.length]] as const
  ) {
    const bytes = LARGE.subarray(0, size);
    stub.fault = each("lost answer", 1, isWrite);
    const stored = await store.put(name, bytesOf(bytes), { size });
    assert.equal(stored.size, size);
    assert.deepEqual(await collected(await store.get(name)), bytes);
    // Another one of the same size is another one.
    stub.fault = each("lost answer", 1, isWrite);
    const other = randomBytes(size, 9);
    await rejects(store.put(name, bytesOf(other), { size }), "conflict");
  }
});

Deno.test("S3Store does not take an object of another size for stored", async () => {
  await using stub = new S3Stub();
  await using opened = openOn(stub);
  // A server that answers yes and keeps less.
  stub.fault = ({ method, key }) => {
    if (method === "HEAD") {
      const kept = stub.objects.get(key)!;
      stub.objects.set(key, { ...kept, body: kept.body.slice(1) });
    }
    return null;
  };
  await rejects(
    opened.store.put("a", bytesOf(LARGE.subarray(0, 9))),
    "storage",
  );
});

Deno.test("S3Store goes on after connections that were reset, before and within requests", async () => {
  await using stub = new S3Stub();
  await using line = new FaultyLine(Number(new URL(stub.url).port));
  const retries: string[] = [];
  const store = new S3Store(
    { ...optionsOf(stub), url: line.url },
    ({ reason }) => retries.push(reason),
    impatient,
  );
  line.resets = 3;
  await store.put("large", bytesOf(LARGE), { size: LARGE.length });
  assert.equal(line.wasReset, 3);
  assert(retries.length >= 1);
  let cuts = 0;
  stub.fault = ({ method }) => {
    if (method === "GET" && cuts++ < 2) line.cut();
    return null;
  };
  assert.deepEqual(await collected(await store.get("large")), LARGE);
  await store.close();
});

Deno.test("S3Store signs by the server's clock where its own is wrong", async () => {
  await using stub = new S3Stub();
  await using opened = openOn(stub);
  const { store, retries } = opened;
  stub.aheadMs = 3 * 3_600_000;
  await store.put("large", bytesOf(LARGE), { size: LARGE.length });
  assert.deepEqual(await collected(await store.get("large")), LARGE);
  assert.match(retries[0]!.reason, /RequestTimeTooSkewed/);
  assert.equal(retries.length, 1);
});

Deno.test("S3Store names the bucket in the path, or in the host name", async () => {
  await using stub = new S3Stub();
  for (
    const [pathStyle, place] of [
      [true, "server.invalid/backups/app/a"],
      [false, "backups.server.invalid/app/a"],
    ] as const
  ) {
    const url = "http://server.invalid";
    const reasons: string[] = [];
    const store = new S3Store(
      { ...optionsOf(stub), url, pathStyle },
      ({ reason }) => reasons.push(reason),
      { ...impatient, attempts: 2 },
    );
    await rejects(store.head("a"), "storage");
    assert(reasons[0]!.includes(`http://${place}`), reasons[0]);
    await store.close();
  }
});

Deno.test("S3Store says which bucket and which keys are wrong, and shows no secret", async () => {
  await using stub = new S3Stub();
  for (
    const [change, code, message] of [
      [{ secret: "another-secret" }, "forbidden", /check s3_key, s3_secret/],
      [{ key: "another-key" }, "forbidden", /check s3_key, s3_secret/],
      [{ bucket: "another" }, "storage", /check s3_bucket/],
    ] as const
  ) {
    const options = { ...optionsOf(stub), ...change };
    const store = new S3Store(options, () => {}, impatient);
    await assert.rejects(store.list(""), (error: Error & { code: string }) => {
      assert.equal(error.code, code);
      assert.match(error.message, message);
      assert(!error.message.includes(options.secret));
      return true;
    });
    await store.close();
  }
});

Deno.test("S3Store removes uploads that were left behind: old ones, and only ours", async () => {
  await using stub = new S3Stub();
  await using opened = openOn(stub);
  const { store } = opened;
  const day = 86_400_000;
  const leave = (key: string, ageMs: number) =>
    stub.uploads.set(crypto.randomUUID(), {
      key,
      begun: new Date(Date.now() - ageMs),
      parts: new Map(),
    });
  const own = backupName({ nodeId: 1, unixSec: 1 });
  leave(`app/${own}`, 2 * day);
  leave(`app/${own}`, day / 2);
  leave("app/report.csv", 2 * day);
  leave(`other/${own}`, 2 * day);
  assert.equal(await store.abortStale(Date.now() - day), 1);
  assert.equal(stub.uploads.size, 3);
});

Deno.test("a key without the right to delete: backups go on, and what could not be deleted is told", async () => {
  await using stub = new S3Stub();
  await using opened = openOn(stub);
  const { store } = opened;
  const names = [100, 50, 1].map((days) =>
    backupName({
      nodeId: 1,
      unixSec: Math.round(Date.now() / 1000) - days * 86_400,
    })
  );
  for (const name of names) {
    await store.put(name, bytesOf(LARGE.subarray(0, 9)));
  }
  const old = expiredObjects({
    backups: names.map((name) => ({ name, verified: false })),
    segments: [],
    bases: [],
    nowMs: Date.now(),
    keepDays: 30,
    lastRunSucceeded: true,
  });
  assert.deepEqual(old, names.slice(0, 2));
  stub.fault = ({ method }) => method === "DELETE" ? { status: 403 } : null;
  const refused = await sweep(store, old);
  assert.deepEqual(refused.deleted, []);
  assert.deepEqual(refused.kept.map(({ name }) => name), old);
  assert.match(refused.kept[0]!.reason, /403/);
  await store.put("log/next", bytesOf(LARGE));
  stub.fault = () => null;
  // One that says yes and keeps it.
  stub.deletes = (key) => key !== `app/${old[0]}`;
  const swept = await sweep(store, old);
  assert.deepEqual(swept.deleted, [old[1]]);
  assert.deepEqual(swept.kept, [
    { name: old[0]!, reason: "it is there although it was deleted" },
  ]);
  assert.deepEqual(
    [...stub.objects.keys()].sort(),
    [
      `app/${old[0]}`,
      `app/${names[2]}`,
      "app/log/next",
    ].sort(),
  );
});

Deno.test("what others have under another prefix, or without a name of ours, stays", async () => {
  await using stub = new S3Stub();
  await using opened = openOn(stub);
  const { store } = opened;
  const old = backupName({ nodeId: 1, unixSec: 1000 });
  await store.put(old, bytesOf(LARGE.subarray(0, 9)));
  await store.put(
    backupName({ nodeId: 1, unixSec: 2000 }),
    bytesOf(LARGE.subarray(0, 9)),
  );
  for (const key of [old, `application/${old}`, "app/report.csv"]) {
    stub.objects.set(key, { ...stub.objects.get(`app/${old}`)! });
  }
  const listed = (await store.list("")).objects;
  const swept = await sweep(
    store,
    expiredObjects({
      backups: listed.map(({ name }) => ({ name, verified: false })),
      segments: [],
      bases: [],
      nowMs: Date.now(),
      keepDays: 0,
      lastRunSucceeded: true,
    }),
  );
  assert.deepEqual(swept, { deleted: [old], kept: [] });
  assert.equal(stub.objects.size, 4);
});
