import assert from "node:assert/strict";
import { SqliteLockRows } from "../../../src/state/sqlite/locks/lock_rows.ts";
import { LOCK_TABLES } from "../../../src/state/sqlite/locks/schema.ts";
import { randomBetween, SeededRandom } from "../../../src/util/random.ts";
import {
  ALL_PERMITS,
  type LockOperation,
} from "../../../src/state/locks/types.ts";
import { presentDriver, test } from "../sqlite/drivers.ts";
import { MemoryLockRows } from "./memory_rows.ts";
import { Scene } from "./scene.ts";

const SEEDS = 60;
const STEPS = 150;
const NAMES = ["job", "pool", "doc"];

function below(random: SeededRandom, bound: number): number {
  return randomBetween(random, 0, bound);
}

/** What a seed asks next, of leases, tickets and tokens that were seen, or nearly. */
function drawn(random: SeededRandom, seen: number[]): LockOperation {
  const name = NAMES[below(random, NAMES.length)]!;
  const number = (): number => seen[below(random, seen.length)] ?? 1;
  switch (below(random, 10)) {
    case 0:
      return { kind: "open", ttlMs: 100 + below(random, 2_000), owner: "me" };
    case 1:
      return { kind: "renew", lease: number() };
    case 2:
      return {
        kind: below(random, 4) === 0 ? "end" : "renew",
        lease: number(),
      };
    case 3:
      return { kind: "claim", name, ticket: number() };
    case 4:
    case 5:
      return { kind: "release", name, token: number() };
    case 6:
      return below(random, 2) === 0
        ? { kind: "cancel", name, ticket: number() }
        : { kind: "extend", name, token: number() };
    default: {
      const limit = name === "pool" ? 3 : ALL_PERMITS;
      const permits = name === "job"
        ? limit
        : 1 + below(random, 2) * (limit - 1);
      return {
        kind: "acquire",
        wish: {
          name,
          lease: below(random, 4) === 0
            ? { ttlMs: 100 + below(random, 1_000), owner: "you" }
            : { id: number() },
          permits,
          limit,
          waitMs: below(random, 3) * 700,
          value: `${below(random, 9)}`,
        },
      };
    }
  }
}

test("locks in SQLite and in memory answer and tell the same, and never give more than there is", () => {
  for (let seed = 1; seed <= SEEDS; seed++) {
    const connection = presentDriver().open(":memory:", { readOnly: false });
    connection.define("_hql_clock", false, () => null);
    connection.exec(
      `CREATE TABLE main._hql_meta (clock INTEGER); ${LOCK_TABLES}`,
    );
    const random = new SeededRandom(seed);
    const rows = new SqliteLockRows(connection);
    const memory = new MemoryLockRows();
    const [one, other] = [new Scene(rows), new Scene(memory)];
    const seen: number[] = [];
    let largest = 0;
    for (let step = 0; step < STEPS; step++) {
      const where = `seed ${seed}, step ${step}`;
      const ms = below(random, 4) === 0 ? below(random, 900) : 0;
      one.clockMs += ms;
      other.clockMs += ms;
      if (below(random, 10) === 0) rows.reload();
      const operation = drawn(random, seen.slice(-12));
      const answer = one.do(operation);
      assert.deepEqual(answer, other.do(operation), where);
      const told = one.take();
      assert.deepEqual(told, other.take(), where);
      assert.deepEqual(rows.sizes, memory.sizes, where);
      assert.equal(rows.nextDueMs, memory.nextDueMs, where);
      for (const line of told) {
        const [, kind, , , token] = line.split(" ");
        if (kind !== "granted") continue;
        assert.ok(Number(token) > largest, `${where}: token ${token}`);
        largest = Number(token);
        seen.push(largest);
      }
      seen.push(one.index);
      for (const name of NAMES) {
        const { used, limit } = rows.usage(name);
        assert.deepEqual(rows.usage(name), memory.usage(name), where);
        assert.ok(used <= (limit ?? 0), `${where}: ${used} of ${limit}`);
      }
    }
    connection.close();
  }
});
