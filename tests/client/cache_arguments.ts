import assert from "node:assert/strict";
import type { CacheValue } from "../../src/client/cache/types.ts";
import { HiqliteError } from "../../src/errors.ts";
import type { CacheCase } from "./cache_contract.ts";

/** What every client's caches do with what they are given, right or wrong. */
export function cacheArguments(): readonly CacheCase[] {
  const cases: CacheCase[] = [];
  const test = (title: string, run: CacheCase["run"]): void => {
    cases.push({ title, run });
  };

  test(
    "what JSON would silently change is refused in words",
    async (_, cache) => {
      const put = (value: unknown) => cache.put("k", value as CacheValue);
      const wrong: [unknown, RegExp][] = [
        [undefined, /undefined: put null/],
        [
          new ArrayBuffer(3),
          /an ArrayBuffer, .*: put new Uint8Array\(value\)/,
        ],
        [
          new DataView(new ArrayBuffer(3)),
          /DataView.*Uint8Array\(value\.buffer/,
        ],
        [new Uint16Array(2), /Uint16Array.*Uint8Array\(value\.buffer/],
        [new Map([[1, 2]]), /a Map, which JSON cannot say: give .* a codec/],
        [new Set([1]), /a Set/],
        [new TypeError("x"), /an Error/],
        [/x/, /a RegExp/],
        [new Headers(), /a Headers/],
        [Symbol("x"), /a symbol/],
        [() => {}, /a function/],
        [1n, /the bigint 1/],
        [NaN, /The value is NaN/],
        [Infinity, /The value is Infinity/],
        [new Date(NaN), /a Date that is no time/],
        [{ a: [{ n: NaN }] }, /"n" in the value is NaN/],
        [[1, undefined], /"1" in the value is undefined in a list/],
        [{ f: () => {} }, /"f" in the value is a function/],
        [{ m: { s: new Set() } }, /"s" in the value is a Set/],
        [{ b: new Uint8Array(2) }, /"b" .* a Uint8Array.*base64/],
      ];
      for (const [value, message] of wrong) {
        await assert.rejects(put(value), { code: "invalid", message });
      }
      assert.equal(await cache.get("k"), undefined);
      class Point {
        x = 1;
      }
      const when = new Date(0);
      await put({ when, left: undefined, point: new Point() });
      assert.deepEqual(await cache.get("k"), {
        when: when.toJSON(),
        point: { x: 1 },
      });
      await put(when);
      assert.equal(await cache.get("k"), when.toJSON());
    },
  );

  test(
    "bytes and keys are as they were at the call, whatever the caller does with its buffers",
    async (client, cache) => {
      const [key, value] = [new Uint8Array([1, 2]), new Uint8Array([3, 4])];
      const expected = new Uint8Array([0]);
      await cache.put("c", new Uint8Array([0]));
      const changes = [
        cache.put(key, value),
        cache.replace("r", value),
        client.atomic().checkValue(cache, "c", expected)
          .put(cache, "b", value).commit(),
      ];
      for (const buffer of [key, value, expected]) buffer.fill(9);
      await Promise.all(changes);
      const put = new Uint8Array([3, 4]);
      assert.deepEqual(
        await cache.getMany([new Uint8Array([1, 2]), "r", "b"]),
        [put, put, put],
      );
      const found = await cache.get("b") as Uint8Array;
      found.fill(9);
      assert.deepEqual(await cache.get("b"), put);
    },
  );

  test(
    "a wrong argument is named, with what is expected",
    async (client, cache) => {
      const any = <T>(value: unknown): T => value as T;
      const rejects = async (call: () => Promise<unknown>, message: string) => {
        // A batch is filled before it is sent: it throws where the argument is.
        const error = await Promise.resolve().then(call).catch((error) =>
          error
        );
        assert.ok(error instanceof HiqliteError, String(error));
        assert.equal(error.code, "invalid");
        assert.ok(error.message.startsWith(message), error.message);
      };
      const key = "key: expected text or a Uint8Array, got ";
      for (
        const [wrong, got] of [
          [undefined, "undefined"],
          [null, "null"],
          [1, "1"],
          [{}, "an Object"],
          [new Uint16Array(2), "a Uint16Array"],
        ]
      ) {
        await rejects(() => cache.put(any(wrong), 1), key + got);
        await rejects(() => cache.get(any(wrong)), key + got);
        await rejects(() => cache.getMany(["a", any(wrong)]), key + got);
        await rejects(() => cache.add(any(wrong)), key + got);
        await rejects(
          () => client.atomic().put(cache, any(wrong), 1).commit(),
          key + got,
        );
      }
      const puts: [object, string][] = [
        [{ bogus: 1 }, 'There is no option "bogus" here; there are signal, '],
        [{ ifVersion: 5 }, "ifVersion: expected a version as put() returns"],
        [
          { ifVersion: "1-0" },
          'ifVersion: no entry ever has the version "1-0"',
        ],
        [{ ifAbsent: "no" }, 'ifAbsent: expected true or false, got "no"'],
        [{ keepTtl: 1 }, "keepTtl: expected true or false, got 1"],
        [{ ttlMs: NaN }, "ttlMs: expected a whole number of milliseconds"],
        [
          { ttlMs: 2 ** 53 },
          "ttlMs: expected a whole number of milliseconds from 1 to 3153600000000, or null for ever, got 9007199254740992",
        ],
        [{ ttlMs: 3_153_600_000_001 }, "ttlMs: expected a whole number of mil"],
        [
          { ifAbsent: true, ifPresent: true },
          "ifAbsent and ifPresent exclude each other",
        ],
        [
          { ifVersion: null, ifPresent: true },
          "ifVersion null and ifPresent exclude each other",
        ],
        [{ ttlMs: "5" }, "ttlMs: expected a whole number of milliseconds"],
        [{ timeoutMs: "1" }, "timeoutMs: expected a number of milliseconds"],
        [{ signal: 1 }, "signal: expected an AbortSignal, got 1"],
      ];
      for (const [options, message] of puts) {
        await rejects(() => cache.put("k", 1, options), message);
        await rejects(() => cache.replace("k", 1, options), message);
      }
      await rejects(() => cache.put("k", 1, any(null)), "options: expected");
      await rejects(() => cache.touch("k", any(undefined)), "ttlMs: expected");
      await rejects(() => cache.add("k", any("1")), "delta: expected an int");
      await rejects(
        () => cache.delete("k", any({ ifAbsent: true })),
        'There is no option "ifAbsent" here',
      );
      await rejects(() => cache.get("k", any({ consistency: "x" })), "consis");
      await rejects(() => cache.list(any({ prefix: 5 })), "prefix: expected");
      await rejects(() => cache.watch(any({ keys: "a" })).next(), "keys: exp");
      // A watch that was asked for wrongly would be another one from afar, or never tell anything.
      await rejects(
        () => cache.watch({ keys: [] }).next(),
        "keys: expected a list of 1 to 100 keys",
      );
      await rejects(
        () => cache.watch({ keys: ["a"], prefix: "b" }).next(),
        "keys and prefix exclude each other",
      );
      for (const wide of [2n ** 63n, -(2n ** 63n) - 1n]) {
        await rejects(
          () => cache.add("k", wide),
          "delta: expected an integer of 64 bits",
        );
        await rejects(
          () => cache.setCounter("k", wide),
          "value: expected an integer of 64 bits",
        );
        await rejects(
          () => cache.add("k", 1, { initial: wide }),
          "initial: expected an integer of 64 bits",
        );
      }
      await rejects(() => cache.clear(any({ ttlMs: 1 })), "There is no option");
      const batch = () => client.atomic();
      await rejects(
        () => batch().put(cache, "k", 1, any({ idempotencyKey: "x" })).commit(),
        'There is no option "idempotencyKey" here; there are ttlMs',
      );
      await rejects(
        () => batch().check(cache, "k", any(5)).commit(),
        "version: expected a version as put() returns it, or null, got 5",
      );
      const handles: [object, string][] = [
        [{ maxByte: 5 }, 'There is no option "maxByte" here; there are ttlMs'],
        [{ maxEntries: "5" }, "maxEntries: expected a whole number from 0"],
        [
          { ttlMs: 3_153_600_000_001 },
          "ttlMs: expected a whole number of milliseconds from 0 to 3153600000000",
        ],
        [{ onFull: "explode" }, 'onFull: expected "reject" or "evict"'],
        [{ codec: {} }, "codec: expected an object with encode() and decode()"],
        [{ schema: 5 }, "schema: expected a Standard Schema, got 5"],
      ];
      for (const [options, message] of handles) {
        await rejects(() => client.cache("x", options).create(), message);
      }
      assert.equal(await cache.has("k"), false);
    },
  );

  return cases;
}
