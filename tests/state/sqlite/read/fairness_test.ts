import assert from "node:assert/strict";
import { HiqliteError } from "../../../../src/errors.ts";
import { Subject } from "../subject.ts";
import { test } from "../drivers.ts";

const ENDLESS =
  "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT max(x) FROM c";
/** What an honest query may take in all, ms: far more than a turn, less than the endless ones may. */
const HONEST_MS = 15_000;
const ENDLESS_MS = 60_000;

/** Asks endless queries, `count` at a time, until it is disposed. */
class Crowd implements AsyncDisposable {
  readonly #subject: Subject;
  readonly #client: string;
  readonly #text: (n: number) => string;
  readonly #ended: Promise<void[]>;
  readonly #left = new AbortController();
  #asked = 0;

  constructor(
    subject: Subject,
    { count, client = "", text = () => ENDLESS }: {
      readonly count: number;
      readonly client?: string;
      readonly text?: (n: number) => string;
    },
  ) {
    this.#subject = subject;
    this.#client = client;
    this.#text = text;
    this.#ended = Promise.all(
      Array.from({ length: count }, () => this.#loop()),
    );
  }

  async #loop(): Promise<void> {
    const { signal } = this.#left;
    while (!signal.aborted) {
      await this.#subject.machine.query({
        sql: this.#text(this.#asked++),
        guarded: true,
        client: this.#client,
        limits: { timeoutMs: ENDLESS_MS },
        signal,
      }).then(
        () => assert.fail("an endless query was answered"),
        (error) =>
          assert.ok(
            signal.aborted ||
              error instanceof HiqliteError && error.code === "timeout",
            `${error}`,
          ),
      );
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#left.abort();
    await this.#ended;
  }
}

/** So many short queries, one after another; every one must be answered in its time. */
async function askShort(
  subject: Subject,
  count: number,
  client: string,
): Promise<void> {
  for (let n = 0; n < count; n++) {
    const { rows } = await subject.machine.query({
      sql: `SELECT ${n}`,
      guarded: true,
      client,
      limits: { timeoutMs: HONEST_MS },
    });
    assert.deepEqual(rows, [[n]]);
  }
}

for (const count of [6, 100]) {
  test(`M3 beside ${count} endless queries in a loop short ones of the same client are answered`, async () => {
    await using subject = await Subject.open();
    await using _crowd = new Crowd(subject, { count });
    await askShort(subject, 20, "");
  });
}

test("M3 a client with 100 endless queries, each another one, does not keep others from being answered", async () => {
  await using subject = await Subject.open();
  await using _crowd = new Crowd(subject, {
    count: 100,
    client: "crowd",
    text: (n) => `${ENDLESS} WHERE x <> ${n}`,
  });
  await askShort(subject, 10, "honest");
});

test("M3 a query that takes long ends well beside a client whose queries take for ever", async () => {
  await using subject = await Subject.open();
  const sql = `${
    ENDLESS.replace("FROM c)", "FROM c LIMIT 3000000)")
  } -- takes longer than a slice`;
  await using _crowd = new Crowd(subject, { count: 10, client: "crowd" });
  const long = subject.machine.query({
    sql,
    guarded: true,
    client: "honest",
    limits: { timeoutMs: ENDLESS_MS - 1000 },
  });
  await askShort(subject, 10, "another");
  assert.deepEqual((await long).rows, [[3_000_000]]);
});

test("M3 a full queue of one client's queries refuses that client, and no other", async () => {
  await using subject = await Subject.open();
  const left = new AbortController();
  const ask = (client: string, n: number) =>
    subject.machine.query({
      sql: `${ENDLESS} WHERE x <> ${n}`,
      guarded: true,
      client,
      limits: { timeoutMs: ENDLESS_MS },
      signal: left.signal,
    });
  let refused = 0;
  const crowd = Array.from(
    { length: 5000 },
    (_, n) =>
      ask("crowd", n).catch((error) => {
        if (error instanceof HiqliteError && error.code === "overloaded") {
          assert.match(error.message, /\d+ queries wait for/);
          refused++;
        }
      }),
  );
  await askShort(subject, 1, "honest");
  assert.ok(refused > 0);
  left.abort();
  await Promise.all(crowd);
});
