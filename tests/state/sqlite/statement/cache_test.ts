import assert from "node:assert/strict";
import type { SqliteConnection } from "../../../../src/state/sqlite/driver/driver.ts";
import { nodeDriver } from "../../../../src/state/sqlite/driver/node_driver.ts";
import {
  KEPT_CHARS_MAX,
  KEPT_STATEMENT_CHARS_MAX,
  StatementCache,
} from "../../../../src/state/sqlite/statement/cache.ts";
import { Policy } from "../../../../src/state/sqlite/statement/policy.ts";

/** A cache, and how often it compiled. */
function cacheOf(capacity: number): {
  cache: StatementCache;
  compiled: (sql: string) => boolean;
  [Symbol.dispose]: () => void;
} {
  const connection = nodeDriver.open(":memory:", { readOnly: false });
  let prepared = 0;
  const counting = {
    prepare: (sql: string) => (prepared++, connection.prepare(sql)),
  } as unknown as SqliteConnection;
  const cache = new StatementCache(
    counting,
    new Policy({ readOnly: true }),
    capacity,
    () => null,
  );
  return {
    cache,
    compiled(sql) {
      const before = prepared;
      cache.get(sql);
      return prepared > before;
    },
    [Symbol.dispose]: () => connection.close(),
  };
}

function statement(id: number, chars: number): string {
  return `SELECT ${id} --`.padEnd(chars, "x");
}

Deno.test("U19 the cache keeps statements by number and by characters, the latest used", () => {
  using few = cacheOf(3);
  for (const id of [1, 2, 3]) assert.ok(few.compiled(statement(id, 20)));
  assert.ok(!few.compiled(statement(1, 20)));
  assert.ok(few.compiled(statement(4, 20)));
  assert.ok(!few.compiled(statement(1, 20)));
  assert.ok(few.compiled(statement(2, 20)));

  using long = cacheOf(1000);
  const chars = KEPT_STATEMENT_CHARS_MAX;
  const fit = KEPT_CHARS_MAX / chars;
  for (let id = 0; id <= fit; id++) long.compiled(statement(id, chars));
  for (let id = 1; id <= fit; id++) {
    assert.ok(!long.compiled(statement(id, chars)), `${id}`);
  }
  assert.ok(long.compiled(statement(0, chars)));
});

Deno.test("U19 a long statement is compiled each time, and drives nothing out", () => {
  using kept = cacheOf(10);
  const long = statement(2, KEPT_STATEMENT_CHARS_MAX + 1);
  kept.compiled("SELECT 1");
  assert.ok(kept.compiled(long));
  assert.ok(kept.compiled(long));
  assert.ok(!kept.compiled("SELECT 1"));
});

Deno.test("U19 what was dropped from the count by clear() does not count", () => {
  using kept = cacheOf(1000);
  const chars = KEPT_STATEMENT_CHARS_MAX;
  for (let round = 0; round < 100; round++) {
    kept.compiled(statement(round, chars));
    kept.cache.clear();
  }
  kept.compiled("SELECT 1");
  kept.compiled(statement(0, chars));
  assert.ok(!kept.compiled("SELECT 1"));
});
