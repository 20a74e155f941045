import assert from "node:assert/strict";
import { listPage } from "../../../src/node/services/cache_page.ts";
import { prefixRange, rangeAfter } from "../../../src/state/kv/ranges.ts";
import type { KvRange, KvReads } from "../../../src/state/kv/types.ts";

const ALL: KvRange = { start: "", end: null, reverse: false, limit: 1000 };

/** Entries "0000" to … with so many bytes each; counts what is read of them. */
function reads(count: number, bytes: number): KvReads & { read: number } {
  const keys = Array.from(
    { length: count },
    (_, i) => String(i).padStart(4, "0"),
  );
  return {
    read: 0,
    get: () => null,
    view: () => null,
    see: () => null,
    counter: () => null,
    stats: () => [],
    list(_cache, { start, end, reverse, limit }) {
      const found = keys.filter((key) =>
        key >= start && (end === null || key < end)
      );
      if (reverse) found.reverse();
      return found.slice(0, limit).map((key) => {
        this.read += bytes;
        const value = { kind: "bytes", bytes: new Uint8Array(bytes) } as const;
        return { key, value, version: 1, ttlMs: null };
      });
    },
  };
}

function keysOf(range: KvRange, count = 100, bytes = 1): string {
  const { entries, more } = listPage(reads(count, bytes), "c", range, 0);
  return `${entries.length} ${entries[0]?.key}-${entries.at(-1)?.key} ${more}`;
}

Deno.test("a page has as many entries as wanted, in either direction", () => {
  assert.equal(keysOf(ALL), "100 0000-0099 false");
  assert.equal(keysOf({ ...ALL, limit: 100 }), "100 0000-0099 true");
  assert.equal(keysOf({ ...ALL, limit: 7 }), "7 0000-0006 true");
  assert.equal(keysOf({ ...ALL, limit: 7, reverse: true }), "7 0099-0093 true");
  assert.equal(
    keysOf({ ...ALL, start: "0010", end: "0020" }),
    "10 0010-0019 false",
  );
  assert.equal(keysOf({ ...ALL, start: "x" }), "0 undefined-undefined false");
});

Deno.test("pages one after the other hold each key once", () => {
  for (const reverse of [false, true]) {
    const source = reads(100, 1);
    const keys: string[] = [];
    let range: KvRange = { ...ALL, limit: 7, reverse };
    for (let more = true; more;) {
      const page = listPage(source, "c", range, 0);
      keys.push(...page.entries.map(({ key }) => key));
      more = page.more;
      if (more) range = rangeAfter(range, keys.at(-1)!);
    }
    if (reverse) keys.reverse();
    assert.deepEqual(
      keys,
      Array.from({ length: 100 }, (_, i) => `00${i}`.slice(-2)).map((n) =>
        `00${n}`
      ),
    );
  }
});

Deno.test("a page ends at 4 MiB, and little more is read for it", () => {
  for (const bytes of [1024 * 1024, 300_000, 10_000]) {
    const source = reads(1000, bytes);
    const { entries, more } = listPage(source, "c", ALL, 0);
    assert.equal(more, true);
    assert.ok(entries.length * bytes > 4 * 1024 * 1024 - 4 * bytes);
    assert.ok(source.read <= 4 * 1024 * 1024 + 4 * bytes, `${source.read}`);
  }
});

Deno.test("a page refuses limits that are none", () => {
  for (const limit of [0, 1001, 1.5, NaN]) {
    assert.throws(() => keysOf({ ...ALL, limit }), {
      code: "invalid",
      message: `limit: expected an integer from 1 to 1000, got ${limit}`,
    });
  }
});

Deno.test("the range of a prefix ends where keys do not begin so any more", () => {
  for (
    const [prefix, end] of [
      ["", null],
      ["a", "b"],
      ["ab\xff", "ac"],
      ["\xff\xff", null],
      ["a\xff\xff", "b"],
    ] as const
  ) assert.deepEqual(prefixRange(prefix), { start: prefix, end });
});
