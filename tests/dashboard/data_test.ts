import assert from "node:assert/strict";
import type { Page } from "playwright-core";
import {
  Bench,
  looks,
  type OpenPage,
  picture,
  turnOnWriting,
  until,
} from "./bench.ts";
import { byKeyboard } from "./by_keyboard.ts";
import { exportedMillion, importedMany } from "./large_files.ts";
import { goToRow, hideColumns } from "./row_links.ts";
import { rowsOf, shopOf } from "./tables.ts";

Deno.test("data", async (t) => {
  // A million rows are written by one statement, which takes its time on a busy machine.
  await using bench = await Bench.start({
    environment: { HQL_WRITE_TIMEOUT_MS: "120000" },
  });
  await shopOf(bench);
  const step = (name: string, run: () => Promise<void>) =>
    t.step({ name, fn: run, sanitizeOps: false, sanitizeResources: false });
  await step(
    "a million rows: no count, pages forward and back, with others writing",
    () => millionRows(bench),
  );
  await step(
    "all of them are exported from one state, in little memory, with others writing",
    () => exportedMillion(bench, ROWS),
  );
  await step(
    "100,000 rows are imported, and the three bad ones named by line",
    () => importedMany(bench),
  );
  await step(
    "values are shown apart and edited next to each other",
    () => exactValues(bench),
  );
  await step(
    "two tabs change the same cell: the second is told",
    () => sameCell(bench),
  );
  await step(
    "by keyboard: find, follow, change, review, apply",
    () => byKeyboard(bench),
  );
  await step(
    "an answer that is lost: the same attempt is written once",
    () => lostAnswer(bench),
  );
  await step("a row is found by its key", () => goToRow(bench));
  await step("columns are hidden and shown", () => hideColumns(bench));
  await step("every look is without findings of axe", () => everyLook(bench));
});

/** How many rows the large table has; ids that are even are never touched. */
const ROWS = 1_000_000;

async function millionRows(bench: Bench): Promise<void> {
  const columns = ["a", "b", "c", "d", "e", "f", "g", "h", "i"];
  await bench.cluster.write(
    1,
    `CREATE TABLE big (id INTEGER PRIMARY KEY, ${columns.join(", ")})`,
  );
  await bench.cluster.write(
    1,
    `INSERT INTO big WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < ${ROWS}) SELECT i, ${
      columns.map((_, at) => `i * ${at + 1}`).join(", ")
    } FROM n`,
  );
  await using open = await bench.open({ at: "#/data" });
  const { page } = open;
  const asked: string[] = [];
  page.on("request", (request) => {
    if (request.url().endsWith("/sql/query")) {
      asked.push(request.postData() ?? "");
    }
  });
  await open.go("#/data/big");
  await cell(page, 0, 0).waitFor();
  await picture(page, "data-million");
  await cell(page, 0, 0).click();
  const stop = new AbortController();
  const writing = writeAround(bench, stop.signal);
  const down = await pressed(page, "PageDown", (id) => id > 600);
  await headInSight(page);
  const up = await pressed(page, "PageUp", (id) => id === 2);
  stop.abort();
  assert.ok(await writing > 0, "nobody wrote meanwhile");
  const furthest = Math.max(...down);
  const stable = Array.from(
    { length: Math.floor(furthest / 2) },
    (_, at) => 2 * (at + 1),
  );
  for (const seen of [down, up]) {
    assert.deepEqual(stable.filter((id) => !seen.has(id)), []);
  }
  assert.ok(asked.length > 2, `only ${asked.length} pages were read`);
  assert.deepEqual(
    asked.filter((body) => /count\s*\(|offset /i.test(body)),
    [],
  );
  // The last rows come as directly as the first.
  await page.getByRole("button", { name: "Last", exact: true }).click();
  await page.getByText(`${ROWS}`, { exact: true }).first().waitFor();
}

/** However far down: the names of the columns are above the rows, and rows go to the end of what is seen. */
async function headInSight(page: Page): Promise<void> {
  const boxOf = async (selector: string) =>
    (await page.locator(selector).first().boundingBox())!;
  const grid = await boxOf(".grid");
  const head = await boxOf(".grid .head");
  assert.ok(Math.abs(head.y - grid.y) < 2, `${head.y} is not ${grid.y}`);
  assert.ok(head.width >= grid.width - 20, `${head.width} of ${grid.width}`);
}

/** The ids that come into sight while a key is pressed, until one that is wanted does. */
async function pressed(
  page: Page,
  key: string,
  wanted: (id: number) => boolean,
): Promise<Set<number>> {
  const seen = new Set<number>();
  await until(`${key} to bring the wanted row into sight`, async () => {
    const ids = await page.evaluate<number[]>(IDS_IN_SIGHT);
    for (const id of ids) seen.add(id);
    if (ids.some(wanted)) return true;
    await page.keyboard.press(key);
    return false;
  });
  return seen;
}

/** Runs in the page, when what was scrolled has been drawn. */
const IDS_IN_SIGHT =
  `new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() =>
  done([...document.querySelectorAll('.grid .row [aria-colindex="1"]')]
    .map((each) => Number(each.textContent))))))`;

/** Deletes odd rows and inserts others before the first one, until it is told to stop. */
async function writeAround(bench: Bench, signal: AbortSignal): Promise<number> {
  let writes = 0;
  for (let id = 1; !signal.aborted; id += 38) {
    await bench.cluster.write(2, `DELETE FROM big WHERE id = ${id}`);
    await bench.cluster.write(2, `INSERT INTO big (id) VALUES (${-id})`);
    writes++;
  }
  return writes;
}

async function exactValues(bench: Bench): Promise<void> {
  await using open = await bench.open({ at: "#/data" });
  const { page } = open;
  await open.go("#/data/odd");
  await page.locator(".grid .row").first().waitFor();
  const shown = await page.locator('.grid .row [aria-colindex="2"]')
    .allTextContents();
  assert.deepEqual(shown, [
    "9223372036854775807",
    "-9007199254740991",
    "2.0",
    "2",
    "1e+308",
    "empty",
    "NULL",
    "NULL",
    "blob 0 B",
    "blob 5.0 MB",
    "a\\nb",
  ]);
  // NULL and the text 'NULL' are told apart by more than their letters.
  assert.equal(
    await page.locator('.grid .row [aria-colindex="2"] .null').count(),
    2,
  );
  const before = await rowsOf(
    bench,
    "SELECT id, typeof(v) || quote(v) FROM odd WHERE id <> 4",
  );
  await turnOnWriting(page);
  // Next to them, the 2 becomes an integer that no double holds.
  await cell(page, 3, 1).dblclick();
  const field = page.locator('[data-column="v"] textarea');
  await field.fill("-9223372036854775808");
  await page.keyboard.press("Control+s");
  const dialog = page.getByRole("dialog");
  await dialog.getByText('UPDATE "odd"').waitFor();
  await picture(page, "data-review");
  await open.axe();
  await dialog.getByRole("button", { name: "Apply" }).click();
  await dialog.waitFor({ state: "detached" });
  await page.locator(".inspector").getByText("integer", { exact: true }).first()
    .waitFor();
  assert.deepEqual(
    await rowsOf(bench, "SELECT typeof(v), quote(v) FROM odd WHERE id = 4"),
    [["integer", "-9223372036854775808"]],
  );
  assert.deepEqual(
    await rowsOf(
      bench,
      "SELECT id, typeof(v) || quote(v) FROM odd WHERE id <> 4",
    ),
    before,
  );
}

async function sameCell(bench: Bench): Promise<void> {
  await using one = await bench.open({ at: "#/data" });
  await using two = await bench.open({
    node: 2,
    at: "#/data",
    expected: /sql\/write/,
  });
  for (const { page, go } of [one, two]) {
    await go("#/data/customer");
    await cell(page, 0, 1).waitFor();
    await turnOnWriting(page);
  }
  await stage(one.page, 0, "name", "First");
  await stage(two.page, 0, "name", "Second");
  await stage(two.page, 0, "email", "new@example.org");
  await apply(one.page);
  const dialog = await review(two.page);
  await dialog.getByRole("button", { name: "Apply" }).click();
  await dialog.getByText("Changed by someone else").waitFor();
  await picture(two.page, "data-conflict");
  await two.axe();
  assert.deepEqual(await dialog.locator(".problem td").allTextContents(), [
    "name",
    "Customer 1",
    "First",
    "Second",
  ]);
  assert.deepEqual(
    await rowsOf(bench, "SELECT name, email FROM customer WHERE id = 1"),
    [["First", "c1@example.org"]],
  );
  await dialog.getByRole("button", { name: "Drop my change" }).click();
  await dialog.getByText("Changed by someone else").waitFor({
    state: "detached",
  });
  await two.page.keyboard.press("Escape");
  // Different cells of one row: both succeed.
  await stage(one.page, 1, "name", "Mine");
  await stage(two.page, 1, "email", "yours@example.org");
  await apply(one.page);
  await apply(two.page);
  assert.deepEqual(
    await rowsOf(bench, "SELECT name, email FROM customer WHERE id = 2"),
    [["Mine", "yours@example.org"]],
  );
}

async function lostAnswer(bench: Bench): Promise<void> {
  await using open = await bench.open({ at: "#/data", expected: /sql\/write/ });
  const { page } = open;
  await open.go("#/data/counter");
  await cell(page, 0, 0).waitFor();
  await turnOnWriting(page);
  const keysSent: string[] = [];
  await page.route("**/sql/write*", async (route) => {
    keysSent.push(route.request().headers()["idempotency-key"]!);
    if (keysSent.length > 1) return await route.continue();
    // The write reaches the cluster, its answer not the page.
    await route.fetch();
    await route.abort();
  });
  await stage(page, 0, "n", "1");
  const dialog = await review(page);
  await dialog.getByRole("button", { name: "Apply" }).click();
  await dialog.getByText("It is not known whether this was done").waitFor();
  await dialog.getByRole("button", { name: "Check again" }).click();
  await dialog.waitFor({ state: "detached" });
  assert.equal(keysSent.length, 2);
  assert.equal(keysSent[0], keysSent[1]);
  assert.deepEqual(await rowsOf(bench, "SELECT n, changes FROM counter"), [[
    1,
    1,
  ]]);
}

async function everyLook(bench: Bench): Promise<void> {
  for (const { theme, width } of looks()) {
    await using open = await bench.open({ theme, width, at: "#/data" });
    const { page } = open;
    for (const [name, fragment, there] of LOOKS) {
      await open.go(fragment);
      // The rows of the look before are still there for a moment.
      const table = /\/(\w+)(\?|$)/.exec(fragment.slice(2))?.[1];
      const heading = table === undefined ? "h1" : `h1[title="${table}"]`;
      await page.locator(`.split:has(${heading}) ${there}`).first().waitFor();
      await open.axe();
      await picture(page, `${name}-${theme}-${width}`);
    }
    await inspected(open, `${theme}-${width}`);
  }
}

const LOOKS = [
  ["data", "#/data", ".objects a"],
  ["data-rows", "#/data/customer", ".grid .row"],
  ["data-values", "#/data/odd", ".grid .row"],
  ["data-empty", "#/data/vacant", ".empty"],
  ["data-view", "#/data/open_purchase", ".grid .row"],
  [
    "data-no-match",
    `#/data/customer?f=${encodeURIComponent('["id < 0"]')}`,
    ".empty",
  ],
  [
    "data-filtered",
    `#/data/purchase?s=status&d=1&f=${encodeURIComponent('["total > 100"]')}`,
    ".grid .row",
  ],
  ["schema", "#/schema/purchase", ".table"],
] as const;

async function inspected(
  { go, axe, page }: OpenPage,
  suffix: string,
): Promise<void> {
  await go("#/data/customer");
  await cell(page, 2, 1).dblclick();
  await page.locator(".related a").first().waitFor();
  await axe();
  await picture(page, `data-row-${suffix}`);
}

function cell(page: Page, row: number, column: number) {
  return page.locator(`[data-cell="${row}:${column}"]`);
}

/** Writes another value into a column of a row; nothing is written yet. */
async function stage(
  page: Page,
  row: number,
  column: string,
  value: string,
): Promise<void> {
  await cell(page, row, 0).dblclick();
  await page.locator(`[data-column="${column}"] textarea`).fill(value);
  await page.getByRole("region", { name: "Changes that are not written" })
    .waitFor();
}

async function review(page: Page) {
  await page.keyboard.press("Control+s");
  const dialog = page.getByRole("dialog");
  await dialog.waitFor();
  return dialog;
}

async function apply(page: Page): Promise<void> {
  const dialog = await review(page);
  await dialog.getByRole("button", { name: "Apply" }).click();
  await dialog.waitFor({ state: "detached" });
}
