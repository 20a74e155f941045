import assert from "node:assert/strict";
import {
  formatBytes,
  formatCount,
  formatDuration,
  formatInteger,
  formatMoment,
  formatMs,
  formatRate,
  inUtc,
} from "../../dashboard/format.ts";

const CASES: readonly (readonly [string, string])[] = [
  [formatInteger(18204113), "18,204,113"],
  [formatInteger(null), "–"],
  [formatInteger(0), "0"],
  [formatRate(0.62), "0.6"],
  [formatRate(412.3), "412"],
  [formatBytes(0), "0 B"],
  [formatBytes(999), "999 B"],
  [formatBytes(1200), "1.2 kB"],
  [formatBytes(999_949), "1.0 MB"],
  [formatBytes(1.3e9), "1.3 GB"],
  [formatMs(0.42), "0.4 ms"],
  [formatMs(8.14), "8.1 ms"],
  [formatMs(999.7), "1.0 s"],
  [formatMs(75_000), "1 min"],
  [formatDuration(-5), "0 s"],
  [formatDuration(12_300), "12 s"],
  [formatDuration(3_600_000), "1 h"],
  [formatDuration(4 * 86_400_000 + 2 * 3_600_000), "4 d 2 h"],
  [formatCount(1, "key"), "1 key"],
  [formatCount(1200, "key"), "1,200 keys"],
  [formatCount(2, "entry", "entries"), "2 entries"],
];

Deno.test("numbers, sizes and durations as people read them", () => {
  for (const [text, expected] of CASES) assert.equal(text, expected);
});

Deno.test("a moment of today is a time, any other one has its date", () => {
  inUtc.value = true;
  try {
    const now = Date.UTC(2026, 10, 26, 14, 2, 11);
    assert.equal(formatMoment(now, now), "14:02:11");
    assert.equal(
      formatMoment(now - 86_400_000, now),
      "25 Nov 2026, 14:02:11",
    );
  } finally {
    inUtc.value = false;
  }
});
