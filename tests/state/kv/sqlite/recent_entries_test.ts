import assert from "node:assert/strict";
import { RecentEntries } from "../../../../src/state/kv/sqlite/recent_entries.ts";
import type { StoredEntry } from "../../../../src/state/kv/store.ts";

function entry(bytes: number, version = 1): StoredEntry {
  const value = new Uint8Array(bytes);
  return { kind: "bytes", bytes: value, version, deadlineMs: 0 };
}

Deno.test("what was read is known until it changes", () => {
  const recent = new RecentEntries();
  assert.equal(recent.get(1, "a"), undefined);
  const [a, b] = [entry(1), entry(2)];
  recent.note(1, "a", a);
  recent.note(2, "a", b);
  assert.equal(recent.get(1, "a"), a);
  assert.equal(recent.get(2, "a"), b);
  recent.forget(1, "a");
  assert.equal(recent.get(1, "a"), undefined);
  recent.note(1, "a", a);
  recent.forgetAll(2);
  assert.equal(recent.get(2, "a"), undefined);
  recent.clear();
  assert.equal(recent.get(1, "a"), undefined);
});

Deno.test("what is not read again goes; what is read again stays, and is forgotten wherever it is", () => {
  const recent = new RecentEntries();
  const often = entry(10);
  recent.note(1, "often", often);
  for (let i = 0; i < 100_000; i++) {
    recent.note(1, `k${i}`, entry(1, i));
    if (i % 1000 === 0) assert.equal(recent.get(1, "often"), often);
  }
  assert.equal(recent.get(1, "k0"), undefined);
  assert.equal(recent.get(1, "k99999")?.version, 99_999);
  recent.forget(1, "often");
  assert.equal(recent.get(1, "often"), undefined);
});

Deno.test("its bytes are bounded, and what is too large is not kept", () => {
  const recent = new RecentEntries();
  const huge = entry(9 * 1024 * 1024);
  recent.note(1, "huge", huge);
  assert.equal(recent.get(1, "huge"), undefined);
  for (let i = 0; i < 40; i++) recent.note(1, `k${i}`, entry(1024 * 1024));
  let known = 0;
  for (let i = 0; i < 40; i++) {
    known += Number(recent.get(1, `k${i}`) !== undefined);
  }
  assert.ok(known > 0 && known <= 16, `${known}`);
});
