import assert from "node:assert/strict";
import {
  appended,
  prepended,
  ROWS_HELD_MAX,
  type RowWindow,
} from "../../dashboard/rows/window.ts";

const numbers = (from: number, count: number) =>
  Array.from({ length: count }, (_, at) => from + at);

Deno.test("a window holds so many consecutive rows, and knows whether it has the ends", () => {
  let window: RowWindow<number> = {
    rows: numbers(0, 200),
    atStart: true,
    atEnd: false,
  };
  let dropped = 0;
  while (window.rows.at(-1)! < ROWS_HELD_MAX + 399) {
    const next = appended(window, numbers(window.rows.at(-1)! + 1, 200), false);
    window = next.window;
    dropped += next.dropped;
  }
  assert.equal(dropped, 400);
  assert.deepEqual(window.rows, numbers(400, ROWS_HELD_MAX));
  assert.equal(window.atStart, false);
  const end = appended(window, [], true).window;
  assert.deepEqual([end.rows.length, end.atEnd], [ROWS_HELD_MAX, true]);
  const back = prepended(end, numbers(200, 200), false);
  assert.deepEqual(back.rows, numbers(200, ROWS_HELD_MAX));
  assert.deepEqual([back.atStart, back.atEnd], [false, false]);
  assert.equal(
    prepended({ rows: [1], atStart: false, atEnd: true }, [0], true).atEnd,
    true,
  );
});
