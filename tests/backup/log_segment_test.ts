import assert from "node:assert/strict";
import {
  archivedName,
  decodeSegment,
  encodeSegment,
  type LogSegment,
} from "../../src/backup/log_segment.ts";
import { type ArchiveName, parseArchiveName } from "../../src/backup/names.ts";
import { EntryKind } from "../../src/raft/types.ts";
import { randomBytes } from "./bytes.ts";

const SEGMENT: LogSegment = {
  clusterId: "c0ffee",
  termBefore: 3,
  entries: [
    {
      index: 7,
      term: 3,
      kind: EntryKind.command,
      payload: randomBytes(100, 1),
    },
    { index: 8, term: 4, kind: EntryKind.noop, payload: new Uint8Array() },
    { index: 9, term: 4, kind: EntryKind.config, payload: randomBytes(9, 2) },
  ],
  timeMs: 1_796_000_000_123,
  hash: 0xfedcba98,
};

function nameOf(segment: LogSegment): ArchiveName {
  return parseArchiveName(archivedName(segment))!;
}

Deno.test("decodeSegment() reads what encodeSegment() made, with a hash and without", async () => {
  for (const hash of [SEGMENT.hash, 0, null]) {
    const segment = { ...SEGMENT, hash };
    const bytes = await encodeSegment(segment);
    assert.deepEqual(await decodeSegment(bytes, nameOf(segment)), segment);
  }
});

Deno.test("archivedName() says which entries, of which term, up to when", () => {
  assert.deepEqual(nameOf(SEGMENT), {
    clusterId: "c0ffee",
    first: 7,
    last: 9,
    term: 4,
    timeMs: SEGMENT.timeMs,
  });
});

Deno.test("decodeSegment() refuses any byte that is another one, is missing or is too many, and says which entries", async () => {
  const bytes = await encodeSegment(SEGMENT);
  const name = nameOf(SEGMENT);
  const refused = (damaged: Uint8Array<ArrayBuffer>) =>
    assert.rejects(decodeSegment(damaged, name), {
      code: "storage",
      message: /entries 7 to 9 .*SHA-256.*--to-index 6$/,
    });
  for (let at = 0; at < bytes.length; at++) {
    const damaged = bytes.slice();
    damaged[at]! ^= 1 << at % 8;
    await refused(damaged);
    await refused(bytes.slice(0, at));
  }
  await refused(new Uint8Array([...bytes, 0]));
});

Deno.test("decodeSegment() refuses a segment under another one's name, also of another cluster", async () => {
  const bytes = await encodeSegment(SEGMENT);
  const name = nameOf(SEGMENT);
  for (
    const other of [
      { ...name, clusterId: "other" },
      { ...name, first: 6 },
      { ...name, last: 10 },
      { ...name, term: 5 },
      { ...name, timeMs: 1 },
    ]
  ) {
    await assert.rejects(decodeSegment(bytes, other), {
      message: /it holds what log\/c0ffee\//,
    });
  }
});
