import assert from "node:assert/strict";
import type { Cache } from "../../src/client/cache/cache.ts";
import type { CacheUpdate, CacheValue } from "../../src/client/cache/types.ts";
import type { Client } from "../../src/client/client.ts";
import type { Schema } from "../../src/client/schema.ts";
import { cacheArguments } from "./cache_arguments.ts";

export interface CacheCase {
  readonly title: string;
  /** Gets a client and an empty cache without settings. */
  readonly run: (client: Client, cache: Cache) => Promise<void>;
}

const MAX = 2n ** 63n - 1n;

/** A schema that wants a positive `n`. */
const POSITIVE: Schema<{ n: number }> = {
  "~standard": {
    version: 1,
    vendor: "tests",
    validate(value) {
      const { n } = value as { n: number };
      return n > 0
        ? { value: { n } }
        : { issues: [{ message: "expected a positive n", path: ["n"] }] };
    },
  },
};

let named = 0;

/** What every client's caches do, each case with a name of its own. */
export function cacheContract(): readonly CacheCase[] {
  const cases: CacheCase[] = [];
  const test = (title: string, run: CacheCase["run"]): void => {
    cases.push({ title, run });
  };

  test("values of every kind survive both ways", async (_, cache) => {
    const values: CacheValue[] = [
      "text ä😀\n",
      "",
      new Uint8Array([0, 255, 1]),
      new Uint8Array(0),
      { a: [1, null, "x"], b: { c: true } },
      [1, 2],
      0,
      false,
      null,
      new Uint8Array(300_000).fill(7),
    ];
    for (const [at, value] of values.entries()) {
      await cache.put(`k${at}`, value);
      assert.deepEqual(await cache.get(`k${at}`), value);
    }
    const keys = values.map((_, at) => `k${at}`);
    assert.deepEqual(await cache.getMany([...keys, "none"]), [
      ...values,
      undefined,
    ]);
  });

  test("keys are text or any bytes", async (_, cache) => {
    const keys = ["a/b?c#d%", "\u0000", "ä", "😀", "x".repeat(1024)];
    for (const key of keys) await cache.put(key, key);
    const bytes = new Uint8Array([0, 0xff, 0xfe]);
    await cache.put(bytes, "bytes");
    for (const key of keys) assert.equal(await cache.get(key), key);
    assert.equal(await cache.get(bytes), "bytes");
    const { entries } = await cache.list();
    assert.equal(entries.length, keys.length + 1);
    assert.deepEqual(entries[1]!.keyBytes, bytes);
    await assert.rejects(cache.put("", 1), { code: "invalid" });
    await assert.rejects(cache.put("x".repeat(1025), 1), {
      code: "too_large",
      message: /1025 bytes, the limit is 1024/,
    });
  });

  test(
    "a value over 1 MiB, and what is none, are refused",
    async (_, cache) => {
      await assert.rejects(cache.put("k", new Uint8Array(1024 * 1024 + 1)), {
        code: "too_large",
        message: /the limit is 1048576/,
      });
      for (const value of [undefined, 1n, () => {}]) {
        await assert.rejects(
          cache.put("k", value as unknown as CacheValue),
          { code: "invalid" },
        );
      }
      assert.equal(await cache.get("k"), undefined);
    },
  );

  test("get, entry, has and ttl say what is there", async (_, cache) => {
    assert.equal(await cache.get("k"), undefined);
    assert.equal(await cache.entry("k"), undefined);
    assert.equal(await cache.has("k"), false);
    assert.equal(await cache.ttl("k"), undefined);
    const version = await cache.put("k", 1);
    assert.deepEqual(await cache.entry("k"), {
      value: 1,
      version,
      ttlMs: null,
    });
    assert.equal(await cache.has("k"), true);
    assert.equal(await cache.ttl("k"), null);
    await cache.put("k", 2, { ttlMs: 60_000 });
    const ttl = await cache.ttl("k");
    assert.ok(ttl! > 50_000 && ttl! <= 60_000, `${ttl}`);
  });

  test("put() takes conditions, and says what it found", async (_, cache) => {
    const failed = (version: string | null) => ({
      name: "PreconditionError",
      code: "precondition_failed",
      version,
      at: 0,
    });
    await assert.rejects(cache.put("k", 0, { ifPresent: true }), failed(null));
    const first = await cache.put("k", 1, { ifAbsent: true });
    await assert.rejects(cache.put("k", 2, { ifAbsent: true }), failed(first));
    await assert.rejects(cache.put("k", 2, { ifVersion: null }), failed(first));
    const second = await cache.put("k", 2, { ifVersion: first });
    assert.notEqual(second, first);
    await assert.rejects(
      cache.put("k", 3, { ifVersion: first }),
      failed(second),
    );
    const third = await cache.put("k", 3, { ifPresent: true });
    await assert.rejects(
      cache.delete("k", { ifVersion: second }),
      failed(third),
    );
    assert.equal(await cache.delete("k", { ifVersion: third }), true);
    await assert.rejects(
      cache.put("k", 4, { ifVersion: "x" }),
      { code: "invalid", message: /expected <epoch>-<number>/ },
    );
  });

  test(
    "a version of another life of the caches is no version here",
    async (_, cache) => {
      const version = await cache.put("k", 1);
      const [epoch, number] = version.split("-");
      for (const other of [Number(epoch) - 1]) {
        await assert.rejects(
          cache.put("k", 2, { ifVersion: `${other}-${number}` }),
          { code: "precondition_failed", version: null },
        );
      }
      assert.equal(await cache.get("k"), 1);
    },
  );

  test(
    "put() drops an old time to live, keepTtl keeps it, touch() sets it",
    async (_, cache) => {
      await cache.put("k", 1, { ttlMs: 60_000 });
      await cache.put("k", 2);
      assert.equal(await cache.ttl("k"), null);
      assert.equal(await cache.touch("k", 60_000), true);
      await cache.put("k", 3, { keepTtl: true });
      assert.ok(await cache.ttl("k"));
      assert.equal(await cache.touch("k", null), true);
      assert.equal(await cache.ttl("k"), null);
      assert.equal(await cache.touch("none", 1), false);
    },
  );

  test(
    "delete(), getRemove() and replace() say what was there",
    async (_, cache) => {
      assert.equal(await cache.delete("k"), false);
      assert.equal(await cache.getRemove("k"), undefined);
      await cache.put("k", { a: 1 });
      assert.deepEqual(await cache.getRemove("k"), { a: 1 });
      assert.equal(await cache.getRemove("k"), undefined);
      assert.equal((await cache.replace("k", "new")).previous, undefined);
      const { version, previous } = await cache.replace("k", "newer");
      assert.equal(previous, "new");
      assert.equal((await cache.entry("k"))!.version, version);
      assert.equal(await cache.delete("k"), true);
    },
  );

  test("what is put with a time to live goes", async (_, cache) => {
    await cache.put("k", 1, { ttlMs: 30 });
    const gone = async (consistency: "local" | "linearizable") => {
      for (let i = 0; i < 1_000; i++) {
        if (!await cache.has("k", { consistency })) return true;
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
      return false;
    };
    assert.equal(await gone("local"), true);
    assert.equal(await gone("linearizable"), true);
  });

  test(
    "counters add, saturate, and stand beside the entries",
    async (_, cache) => {
      await cache.put("n", "entry");
      assert.equal(await cache.counter("n"), undefined);
      assert.equal(await cache.add("n"), 1);
      assert.equal(await cache.add("n", -3), -2);
      assert.equal(await cache.add("m", 5, { initial: 10 }), 15);
      assert.equal(await cache.add("m", 5, { initial: 10 }), 20);
      assert.equal(await cache.add("m", MAX), MAX);
      assert.equal(await cache.counter("m"), MAX);
      await cache.setCounter("m", -MAX);
      assert.equal(await cache.add("m", -MAX), -MAX - 1n);
      await cache.setCounter("m", 7);
      assert.equal(
        await cache.counter("m", { consistency: "linearizable" }),
        7,
      );
      assert.equal(await cache.deleteCounter("m"), true);
      assert.equal(await cache.deleteCounter("m"), false);
      await cache.clearCounters();
      assert.equal(await cache.counter("n"), undefined);
      assert.equal(await cache.get("n"), "entry");
      await assert.rejects(cache.add("n", 1.5), { code: "invalid" });
      await assert.rejects(cache.add("n", MAX + 1n), { code: "invalid" });
    },
  );

  test(
    "list() shows ranges in the order of the keys' bytes",
    async (_, cache) => {
      const keys = ["a", "a1", "a2", "b", "\uffff", "\u{10000}", "\u0000"];
      for (const key of keys) await cache.put(key, key);
      const shown = async (options: Parameters<Cache["list"]>[0]) => {
        const { entries, cursor } = await cache.list(options);
        return [entries.map(({ key }) => key).join(" "), cursor !== null];
      };
      assert.deepEqual(await shown({}), [
        "\u0000 a a1 a2 b \uffff \u{10000}",
        false,
      ]);
      assert.deepEqual(await shown({ prefix: "a" }), ["a a1 a2", false]);
      assert.deepEqual(await shown({ prefix: "a", reverse: true, limit: 2 }), [
        "a2 a1",
        true,
      ]);
      assert.deepEqual(await shown({ start: "a1", end: "b" }), [
        "a1 a2",
        false,
      ]);
      assert.deepEqual(await shown({ start: "x", end: "b" }), ["", false]);
      for (const reverse of [false, true]) {
        const found: string[] = [];
        for await (const { key } of cache.entries({ limit: 2, reverse })) {
          found.push(key);
        }
        const all = ["\u0000", "a", "a1", "a2", "b", "\uffff", "\u{10000}"];
        assert.deepEqual(found, reverse ? all.toReversed() : all);
      }
      await assert.rejects(cache.list({ prefix: "a", end: "b" }), {
        code: "invalid",
      });
      await assert.rejects(cache.list({ limit: 1001 }), { code: "invalid" });
      await assert.rejects(cache.list({ cursor: "x" }), { code: "invalid" });
    },
  );

  test("clear() removes entries, drop() the cache", async (client, cache) => {
    await cache.put("k", 1);
    await cache.add("n", 1);
    await cache.clear();
    assert.equal(await cache.get("k"), undefined);
    assert.equal(await cache.counter("n"), 1);
    await cache.drop();
    assert.equal(await cache.counter("n"), undefined);
    const names = (await client.caches()).map(({ name }) => name);
    assert.ok(!names.includes(cache.name));
    await cache.put("k", 2);
    assert.equal(await cache.get("k"), 2);
  });

  test(
    "settings create the cache once, and others are refused",
    async (client, cache) => {
      const name = `${cache.name}-settings`;
      const limited = client.cache(name, { maxEntries: 2, ttlMs: 60_000 });
      await limited.put("a", 1);
      assert.ok(await limited.ttl("a"));
      await limited.put("b", 1);
      await assert.rejects(limited.put("c", 1), { code: "cache_full" });
      const other = client.cache(name, { maxEntries: 3 });
      await assert.rejects(other.put("a", 1), { code: "conflict" });
      const plain = client.cache(name);
      assert.equal(await plain.get("a"), 1);
      await limited.drop();
      await limited.put("c", 1);
      const stats = (await client.caches()).find((one) => one.name === name);
      assert.equal(stats!.settings.maxEntries, 2);
      const evicting = client.cache(`${name}-evict`, {
        maxEntries: 2,
        onFull: "evict",
      });
      for (const key of ["a", "b", "c"]) await evicting.put(key, key);
      assert.deepEqual(await evicting.getMany(["a", "b", "c"]), [
        undefined,
        "b",
        "c",
      ]);
    },
  );

  test(
    "a cache that others drop comes back with the settings of its handle",
    async (client, cache) => {
      const name = `${cache.name}-dropped`;
      const settings = { maxEntries: 2, onFull: "evict", ttlMs: 5000 } as const;
      const [one, other] = [
        client.cache(name, settings),
        client.cache(name, settings),
      ];
      const found = async () =>
        (await client.caches()).find((one) => one.name === name);
      const wanted = { maxBytes: 0, ...settings };
      await one.put("a", 1);
      await other.drop();
      for (const key of "abcdef") await one.put(key, 1);
      assert.deepEqual((await found())!.settings, wanted);
      assert.equal((await found())!.entries, 2);
      await client.cache(name, settings).put("g", 1);
      for (let round = 0; round < 20; round++) {
        await Promise.all([
          one.put("k", 1),
          one.drop(),
          one.clear(),
          one.add("n"),
          client.atomic().put(one, "k", 1).put(cache, "k", 1).commit(),
          one.clearCounters(),
        ]);
        const stats = await found();
        if (stats !== undefined) assert.deepEqual(stats.settings, wanted);
      }
      await one.drop();
      await client.cache(name).put("plain", 1);
      await assert.rejects(one.put("a", 1), {
        code: "conflict",
        message: /is there with other settings/,
      });
      assert.equal(await one.get("a"), undefined);
    },
  );

  test(
    "a batch over two caches happens as a whole, or not at all",
    async (client, cache) => {
      const other = client.cache(`${cache.name}-other`);
      const version = await cache.put("from", 10);
      await other.put("gone", "x");
      const results = await client.atomic()
        .check(cache, "from", version)
        .check(other, "to", null)
        .checkValue(other, "gone", "x")
        .put(cache, "from", 9)
        .put(other, "to", 1, { ttlMs: 60_000 })
        .getRemove(other, "gone")
        .add(cache, "moves", 1)
        .commit();
      assert.deepEqual(results.map(({ counter }) => counter), [0, 0, 0, 1]);
      assert.equal(results[2]!.previous, "x");
      assert.equal((await cache.entry("from"))!.version, results[0]!.version);
      assert.deepEqual(await other.getMany(["to", "gone"]), [1, undefined]);
      const failing = client.atomic()
        .check(other, "to", null)
        .put(cache, "from", 8)
        .delete(other, "to")
        .commit();
      await assert.rejects(failing, {
        code: "precondition_failed",
        at: 0,
        version: results[1]!.version,
      });
      assert.equal(await cache.get("from"), 9);
      assert.equal(await other.get("to"), 1);
      await assert.rejects(client.atomic().commit(), { code: "invalid" });
    },
  );

  test("values have a codec and a schema", async (client, cache) => {
    const dates = client.cache<Date>(cache.name, {
      codec: {
        encode: (date) => date.toISOString(),
        decode: (text) => new Date(text as string),
      },
    });
    const now = new Date();
    await dates.put("date", now);
    assert.deepEqual(await dates.get("date"), now);
    assert.equal(await cache.get("date"), now.toISOString());
    const positive = client.cache(cache.name, { schema: POSITIVE });
    await positive.put("n", { n: 1 });
    assert.deepEqual(await positive.get("n"), { n: 1 });
    await cache.put("n", { n: -1 });
    await assert.rejects(positive.get("n"), {
      code: "invalid",
      message:
        'The value of "n" does not match the schema: n: expected a positive n',
    });
  });

  test(
    "an idempotencyKey makes a repeated change apply once",
    async (_, cache) => {
      const idempotencyKey = `${cache.name}-once`;
      assert.equal(await cache.add("n", 1, { idempotencyKey }), 1);
      assert.equal(await cache.add("n", 1, { idempotencyKey }), 1);
      assert.equal(await cache.counter("n"), 1);
      await assert.rejects(cache.add("n", 2, { idempotencyKey }), {
        code: "conflict",
      });
    },
  );

  test("reads wait for a version seen elsewhere", async (_, cache) => {
    const version = await cache.put("k", 1);
    assert.equal(await cache.get("k", { minVersion: version }), 1);
    const [epoch] = version.split("-");
    await assert.rejects(
      cache.get("k", { minVersion: `${epoch}-${2 ** 50}`, timeoutMs: 100 }),
      { code: "timeout" },
    );
  });

  test(
    "watch() tells what is there, then what changes, and goes on from a position",
    async (_, cache) => {
      await cache.put("a1", 1);
      await cache.put("b1", 1);
      const seen: string[] = [];
      let position = "";
      const follow = async (
        changes: AsyncIterable<CacheUpdate<CacheValue>>,
        wanted: number,
        next: (count: number) => Promise<unknown> = () => Promise.resolve(),
      ): Promise<void> => {
        let positions = 0;
        for await (const change of changes) {
          if (change.kind === "position") {
            position = change.position;
            if (++positions === wanted) return;
            await next(positions);
          } else if (change.kind === "put") {
            seen.push(`${change.key}=${change.value}`);
          } else {
            seen.push(
              change.kind === "delete" ? `-${change.key}` : change.kind,
            );
          }
        }
      };
      await follow(cache.watch({ prefix: "a" }), 4, async (count) => {
        await cache.put("b2", count);
        if (count === 1) await cache.put("a1", 2);
        if (count === 2) await cache.delete("a1");
        if (count === 3) await cache.put("a2", 3);
      });
      assert.deepEqual(seen, ["reset", "a1=1", "a1=2", "-a1", "a2=3"]);
      await cache.put("a3", 4);
      seen.length = 0;
      await follow(cache.watch({ prefix: "a", since: position }), 1);
      assert.deepEqual(seen, ["a3=4"]);
      seen.length = 0;
      await follow(cache.watch({ keys: ["a3", "none"] }), 2, async () => {
        await cache.put("a2", 5);
        await cache.put("none", 6);
      });
      assert.deepEqual(seen, ["reset", "a3=4", "none=6"]);
      seen.length = 0;
      await follow(cache.watch({ since: "0-1" }), 2, () => cache.clear());
      assert.equal(seen.filter((one) => one === "reset").length, 2);
    },
  );

  test(
    "watch() ends with its signal, and refuses what it cannot watch",
    async (_, cache) => {
      const controller = new AbortController();
      const kinds: string[] = [];
      for await (const { kind } of cache.watch({ signal: controller.signal })) {
        kinds.push(kind);
        if (kind === "position") controller.abort();
      }
      assert.deepEqual(kinds, ["reset", "position"]);
      const keys = Array.from({ length: 101 }, (_, i) => `${i}`);
      await assert.rejects(cache.watch({ keys }).next(), { code: "invalid" });
    },
  );

  test("names that are none are refused", async (client) => {
    for (const name of ["", "a b", "x".repeat(65)]) {
      const cache = client.cache(name);
      await assert.rejects(cache.put("k", 1), { code: "invalid" });
      await assert.rejects(cache.get("k"), { code: "invalid" });
    }
  });

  test("an aborted signal stops a call before it is sent", async (_, cache) => {
    const signal = AbortSignal.abort(new Error("mine"));
    await assert.rejects(cache.put("k", 1, { signal }), { message: "mine" });
    assert.equal(await cache.has("k"), false);
  });

  return [...cases, ...cacheArguments()];
}

/** Runs one case on an empty cache. */
export async function runCacheCase(
  one: CacheCase,
  client: Client,
): Promise<void> {
  await one.run(client, client.cache(`contract${named++}`));
}
