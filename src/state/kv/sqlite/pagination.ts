/** Rows of the first page, before it is known how large they are. */
const FIRST_ROWS = 8;
/** Rows of a page at most. */
const ROWS_MAX = 256;
/** Bytes that a page should have. */
const PAGE_BYTES = 256 * 1024;

/**
 * Rows a page at a time, each begun after the last row of the one before: what changes between two pages does
 * no harm, and whoever stops leaves nothing open. `read` answers fewer rows than it was asked for at the end only.
 */
export function* pagesOf<T>(
  limit: number,
  bytesOf: (row: T) => number,
  read: (last: T | null, count: number) => readonly T[],
): Generator<T> {
  let last: T | null = null;
  let count = FIRST_ROWS;
  for (let left = limit; left > 0;) {
    const asked = Math.min(count, left);
    const rows = read(last, asked);
    yield* rows;
    if (rows.length < asked) return;
    left -= rows.length;
    last = rows.at(-1)!;
    const bytes = rows.reduce((sum, row) => sum + bytesOf(row), 0);
    const fitting = Math.ceil(PAGE_BYTES * rows.length / (bytes + 1));
    count = Math.min(fitting, 4 * rows.length, ROWS_MAX);
  }
}
