import assert from "node:assert/strict";
import { CHANGES, hearInterrupts } from "../../../../native/hear_interrupts.ts";
import { LIBRARY } from "../../../../native/library.ts";
import {
  type SqliteConnection,
  SqliteError,
} from "../../../../src/state/sqlite/driver/driver.ts";
import { openDriver } from "../../../../src/state/sqlite/driver/open_driver.ts";
import type { SqlValue } from "../../../../src/state/sql/types.ts";
import { randomBetween, SeededRandom } from "../../../../src/util/random.ts";
import { SQLITE_LIBRARY, testNeeding } from "../../../cluster/requirements.ts";
import type { Interrupted } from "./interrupter.ts";

const ffiTest = await testNeeding(SQLITE_LIBRARY);
const spec = { kind: "ffi", library: LIBRARY } as const;
if (await SQLITE_LIBRARY.obstacle() === "") openDriver(spec);

const many = (count: number, text = "a"): string => text.repeat(count);
const labels = (count: number, letter: string): string =>
  `{${Array.from({ length: count }, (_, i) => `"${letter}${i}":1`).join(",")}}`;
const LOOKS = 900;

/** Single calls of functions, each of which takes some seconds. */
const CALLS: Record<string, () => { sql: string; values: string[] }> = {
  "instr()": () => ({
    sql: "SELECT instr(?1, ?2)",
    values: [many(2_000_000), many(200_000) + "b"],
  }),
  "replace()": () => ({
    sql: "SELECT replace(?1, ?2, 'c')",
    values: [many(2_000_000), many(200_000) + "b"],
  }),
  "ltrim()": () => ({
    sql: "SELECT ltrim(?1, ?2)",
    values: [many(1_000_000), many(1000, "bcd") + "a"],
  }),
  "rtrim()": () => ({
    sql: "SELECT rtrim(?1, ?2)",
    values: [many(1_000_000), many(1000, "bcd") + "a"],
  }),
  "LIKE": () => ({
    sql: "SELECT ?1 LIKE ?2",
    values: [many(2_000_000), `%${many(2000)}b`],
  }),
  "LIKE of what is not ASCII": () => ({
    sql: "SELECT ?1 LIKE ?2",
    values: [many(1_000_000, "é"), `%${many(2000, "é")}b`],
  }),
  "LIKE with an escape": () => ({
    sql: "SELECT ?1 LIKE ?2 ESCAPE '_'",
    values: [many(2_000_000), `%${many(2000)}b`],
  }),
  "GLOB": () => ({
    sql: "SELECT ?1 GLOB ?2",
    values: [many(2_000_000), `*${many(2000)}b`],
  }),
  "GLOB with a set": () => ({
    sql: "SELECT ?1 GLOB ?2",
    values: [many(1_000_000), `*[a]${many(2000)}b`],
  }),
  "json_patch()": () => ({
    sql: "SELECT length(json_patch(?1, ?2))",
    values: [labels(60_000, "a"), labels(60_000, "b")],
  }),
  "json_extract() with many paths": () => ({
    sql: `SELECT json_extract(?1, ${Array(LOOKS).fill("'$.none'").join(", ")})`,
    values: [labels(1_000_000, "a")],
  }),
};

/** By a single step: the next one would see an interrupt in any case. */
function valueOf(
  connection: SqliteConnection,
  sql: string,
  anonymous: readonly SqlValue[],
): SqlValue {
  const rows = connection.prepare(sql)!.rows({ anonymous, named: null });
  for (const [value] of rows) return value!;
  throw new Error("no row");
}

for (const [name, call] of Object.entries(CALLS)) {
  ffiTest(
    `an interrupt ends one call of ${name} that takes seconds, and its connection goes on`,
    async () => {
      const connection = openDriver(spec).open(":memory:", { readOnly: false });
      const { sql, values } = call();
      const worker = new Worker(import.meta.resolve("./interrupter.ts"), {
        type: "module",
      });
      const ready = Promise.withResolvers<void>();
      worker.onmessage = () => ready.resolve();
      const whom: Interrupted = { spec, handle: connection.handle! };
      worker.postMessage(whom);
      await ready.promise;
      try {
        assert.throws(
          () => valueOf(connection, sql, values),
          (error) => error instanceof SqliteError && error.primary === 9,
        );
      } finally {
        worker.terminate();
      }
      assert.equal(valueOf(connection, "SELECT instr('abc', 'c')", []), 3n);
      connection.close();
    },
  );
}

ffiTest(
  "a library that hears interrupts inside of functions answers as the runtime's does",
  () => {
    const seed = crypto.getRandomValues(new Uint32Array(1))[0]!;
    const random = new SeededRandom(seed);
    const below = (bound: number): number => randomBetween(random, 0, bound);
    const text = (): string =>
      Array.from({ length: below(7) }, () => "aab%_*?[]é"[below(10)]).join("");
    const object = (): string =>
      JSON.stringify(Object.fromEntries(
        Array.from(
          { length: below(4) },
          () => ["abc"[below(3)], [1, null, { a: 1 }, "x"][below(4)]],
        ),
      ));
    const ours = openDriver(spec).open(":memory:", { readOnly: false });
    const theirs = openDriver({ kind: "node" })
      .open(":memory:", { readOnly: false });
    const sql =
      "SELECT json_array(instr(?1, ?2), replace(?1, ?2, ?3), trim(?1, ?2), ltrim(?1, ?2), rtrim(?1, ?2), ?1 LIKE ?2, ?1 LIKE ?2 ESCAPE 'a', ?1 LIKE ?2 ESCAPE '%', ?1 GLOB ?2, json_patch(?4, ?5), json_extract(?4, '$.a', '$.b.a'), json_set(?4, '$.a.b', ?1, '$.c', 2))";
    for (let i = 0; i < 3000; i++) {
      const values = [text(), text(), text(), object(), object()];
      assert.equal(
        valueOf(ours, sql, values),
        valueOf(theirs, sql, values),
        `seed ${seed}: ${JSON.stringify(values)}`,
      );
    }
    ours.close();
    theirs.close();
  },
);

Deno.test("a source of SQLite that has no place for a change is refused, and the change is named", () => {
  const [first] = CHANGES;
  const whole = CHANGES
    .map(({ at, times = 1 }) => at.repeat(times)).join("\n");
  assert.match(hearInterrupts(whole), /int hiqlite_hears_interrupts\(void\)/);
  assert.throws(
    () => hearInterrupts(whole.replace(first!.at, "")),
    /the step that calls a function: the place to change is there 0 times, not 1/,
  );
});
