import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import type { Page } from "playwright-core";
import { childrenOf, cpuOf, isRunning } from "../state/sqlite/children.ts";
import {
  Bench,
  looks,
  PASSWORD,
  picture,
  signIn,
  turnOnWriting,
  until,
  VIEWER_PASSWORD,
} from "./bench.ts";
import {
  allOrNothing,
  dumpRunAgain,
  halvedAndStopped,
  lostBatch,
  refusedByLine,
  slowOnes,
} from "./script_files.ts";
import { rowsOf, shopOf } from "./tables.ts";
import { typedOver } from "./typed_over.ts";

Deno.test("sql", async (t) => {
  // So long that no limit ends what Cancel should.
  const environment = {
    HQL_QUERY_TIMEOUT_MS: "600000",
    HQL_SLOW_STATEMENT_MS: "1",
  };
  await using bench = await Bench.start({ environment });
  await shopOf(bench);
  const step = (name: string, run: (bench: Bench) => Promise<void>) =>
    t.step({
      name,
      fn: () => run(bench),
      sanitizeOps: false,
      sanitizeResources: false,
    });
  await step("read mode: writes are held, with what they would touch", held);
  await step(
    "an endless query is ended with its process; others' go on, and the next one works",
    cancelled,
  );
  await step(
    "texts outlive a reload and a session; the statement at the cursor runs",
    texts,
  );
  await step(
    "what is typed over a selection needs nothing that the policy refuses",
    typedOver,
  );
  await step("names are offered, errors underlined, plans told", helped);
  await step(
    "all rows are exported, imported again as they were, and bad ones named",
    exported,
  );
  await step(
    "an SQL file is run again as it was: equal by typeof and quote",
    runAgain,
  );
  await step(
    "a file is run as it was exported, with a blob larger than a statement may be",
    dumpRunAgain,
  );
  await step(
    "a file is run up to what is refused, which is named by its line",
    refusedByLine,
  );
  await step("a file is run as one transaction, or not at all", allOrNothing);
  await step("a batch whose answer is lost is applied once", lostBatch);
  await step(
    "what is too much at once is halved; a run that was stopped goes on",
    halvedAndStopped,
  );
  await step(
    "what was slow is listed for administrators",
    (bench) => slowOnes(bench, VIEWER_PASSWORD),
  );
  await step("every look is without findings of axe", everyLook);
});

async function held(bench: Bench): Promise<void> {
  await using open = await bench.open({ at: "#/sql" });
  const { page } = open;
  const before = await rowsOf(bench, "SELECT count(*) FROM customer");
  for (const [sql, touched] of HELD) {
    await write(page, sql);
    await page.keyboard.press("Control+Enter");
    await page.getByText("Nothing was run.").waitFor();
    const words = await page.locator(".effects").textContent();
    assert.match(words ?? "", new RegExp(touched), sql);
    await page.getByRole("button", { name: "Dismiss" }).click();
  }
  assert.deepEqual(
    await rowsOf(bench, "SELECT count(*) FROM customer"),
    before,
  );
  for (const sql of ["/* DROP */ SELECT 'a'", "SELECT 'drop table'"]) {
    await write(page, sql);
    await page.keyboard.press("Control+Enter");
    await page.getByText("1 row", { exact: true }).waitFor();
    assert.equal(await page.getByText("Nothing was run.").count(), 0);
  }
  await turnOnWriting(page);
  await write(page, "DELETE FROM counter");
  await page.keyboard.press("Control+Enter");
  const dialog = page.getByRole("dialog");
  await dialog.getByText("no WHERE").waitFor();
  await open.axe();
  await picture(page, "sql-typed-name");
  await dialog.getByRole("textbox").fill("counter");
  await dialog.getByRole("button", { name: "Run" }).click();
  await dialog.waitFor({ state: "detached" });
  await page.getByText(/written at index \d+, \d+ ms: DELETE FROM counter/)
    .waitFor();
  assert.deepEqual(await rowsOf(bench, "SELECT * FROM counter"), []);
  await page.getByRole("heading", { name: "No rows" }).waitFor();
}

const HELD = [
  ["INSERT INTO customer (name) VALUES ('x')", "customer"],
  [
    "WITH old AS (SELECT id FROM customer) DELETE FROM customer WHERE id IN old",
    "purchase|customer",
  ],
  ["REPLACE INTO customer (id, name) VALUES (1, 'x')", "customer"],
  ["CREATE TABLE fresh (a)", "fresh"],
] as const;

const ENDLESS =
  "WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n";

/** It takes its time, and ends. */
const COUNTED =
  "WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 3000000) SELECT count(*) FROM n";

/** More than the start of a process needs, hundredths of a second. */
const COMPUTES = 100;

async function cancelled(bench: Bench): Promise<void> {
  await using open = await bench.open({ at: "#/sql" });
  await using other = await bench.open({ at: "#/sql" });
  const { page } = open;
  const member = bench.cluster.process(1)!.pid;
  const begun = new Map<number, number>();
  await write(other.page, COUNTED);
  await write(page, ENDLESS);
  await page.keyboard.press("Control+Enter");
  let busy: number | undefined;
  await until("a process that computes", () => {
    busy = childrenOf(member, "reader").map(({ pid }) => pid).find((pid) => {
      const used = cpuOf(pid);
      if (!begun.has(pid)) begun.set(pid, used);
      return used - begun.get(pid)! > COMPUTES;
    });
    return Promise.resolve(busy !== undefined);
  });
  await Promise.all([
    other.page.waitForRequest(/sql\/query$/),
    other.page.keyboard.press("Control+Enter"),
  ]);
  assert.ok(isRunning(busy!), "it was ended before anybody cancelled it");
  await page.getByRole("button", { name: "Cancel" }).click();
  await page.getByRole("button", { name: "Cancel" }).waitFor({
    state: "detached",
  });
  await until("its process to end", () => Promise.resolve(!isRunning(busy!)));
  await other.page.getByRole("gridcell", { name: "3000000" }).waitFor();
  await write(page, "SELECT 41 + 1");
  await page.keyboard.press("Control+Enter");
  await page.getByRole("gridcell", { name: "42" }).waitFor();
}

async function texts(bench: Bench): Promise<void> {
  await using open = await bench.open({ at: "#/sql", expected: /401/ });
  const { page } = open;
  const sql = "SELECT 1;\nSELECT ';--', 'b' -- not; here\n, 2;\nSELECT 3";
  await write(page, sql);
  await page.getByRole("button", { name: "New text" }).click();
  await write(page, "SELECT 'second'");
  await page.getByRole("button", { name: "New text" }).click();
  await write(page, "SELECT 'third'");
  await page.reload();
  await page.locator(".frame").waitFor();
  await page.context().clearCookies();
  await page.reload();
  await signIn(page, PASSWORD);
  await page.evaluate('location.hash = "#/sql"');
  const tabs = page.getByRole("tab");
  await tabs.first().waitFor();
  assert.equal(await tabs.count(), 3);
  await tabs.first().click();
  await page.locator(".cm-content").getByText("not; here").click();
  await page.getByRole("button", { name: "Run statement 2 of 3" }).waitFor();
  await page.keyboard.press("Control+Enter");
  await page.getByRole("gridcell", { name: ";--" }).waitFor();
}

async function helped(bench: Bench): Promise<void> {
  await using open = await bench.open({ at: "#/sql" });
  const { page } = open;
  await write(page, "");
  await page.keyboard.type("SELECT * FROM cust");
  const offered = page.locator(".cm-tooltip-autocomplete");
  await offered.getByText("customer").waitFor();
  await page.keyboard.press("Escape");
  await write(page, "SELECT * FROM customer c WHERE ");
  await page.keyboard.press("Control+End");
  await page.keyboard.type("c.bal");
  await offered.getByText("balance").waitFor();
  await page.keyboard.press("Escape");
  await write(page, "SELECT nam FROM customer");
  await page.keyboard.press("Control+Enter");
  await page.getByRole("alert").waitFor();
  await page.locator(".cm-wrong").waitFor();
  await picture(page, "sql-error");
  await write(page, "SELECT * FROM purchase WHERE status = 'open'");
  await page.keyboard.press("Control+Shift+Enter");
  await page.locator(".plan").getByText("SCAN", { exact: true }).waitFor();
  await picture(page, "sql-plan");
  await open.axe();
  await bench.cluster.write(
    1,
    "CREATE INDEX purchase_status ON purchase (status)",
  );
  await page.keyboard.press("Control+Shift+Enter");
  await page.locator(".plan").getByText("SEARCH", { exact: true }).waitFor();
}

async function exported(bench: Bench): Promise<void> {
  await bench.cluster.write(1, "CREATE TABLE copy (id INTEGER PRIMARY KEY, v)");
  await using open = await bench.open({ at: "#/data" });
  const { page } = open;
  await open.go("#/data/odd");
  await page.getByRole("button", { name: "Export" }).click();
  const [download] = await Promise.all([
    page.waitForEvent("download"),
    page.getByRole("dialog").getByRole("button", { name: "Export" }).click(),
  ]);
  const text = await Deno.readTextFile((await download.path())!);
  await turnOnWriting(page);
  await open.go("#/data/copy");
  await page.getByRole("button", { name: "Import" }).click();
  const bad = `${text}"no number",1\r\n77,"a",3\r\n`;
  await page.locator("input[type=file]").setInputFiles({
    name: "odd.csv",
    mimeType: "text/csv",
    buffer: Buffer.from(bad),
  });
  const dialog = page.getByRole("dialog");
  await dialog.getByRole("button", { name: "Import" }).click();
  await dialog.getByText("11 rows inserted").waitFor();
  await picture(page, "data-import");
  const lines = await dialog.locator(".bad li").allTextContents();
  assert.equal(lines.length, 2, `${lines}`);
  const same = "SELECT id, typeof(v), hex(quote(v)) FROM";
  assert.deepEqual(
    await rowsOf(bench, `${same} copy WHERE id <> 10 ORDER BY id`),
    await rowsOf(bench, `${same} odd WHERE id <> 10 ORDER BY id`),
  );
  assert.deepEqual(
    await rowsOf(
      bench,
      "SELECT a.v = b.v, typeof(b.v) FROM odd a JOIN copy b USING (id) WHERE id = 10",
    ),
    [[1, "blob"]],
  );
}

/** Without the large blob: nobody puts ten million characters into an editor. */
const SMALL = encodeURIComponent('["id <> 10"]');

async function runAgain(bench: Bench): Promise<void> {
  await using open = await bench.open({ at: "#/data" });
  const { page } = open;
  await open.go(`#/data/odd?f=${SMALL}`);
  await page.getByRole("button", { name: "Export" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByRole("radio", { name: /^SQL/ }).check();
  const [download] = await Promise.all([
    page.waitForEvent("download"),
    dialog.getByRole("button", { name: "Export" }).click(),
  ]);
  const text = await Deno.readTextFile((await download.path())!);
  const before = await rowsOf(bench, EXACTLY);
  assert.equal(before.length, 10);
  await bench.cluster.write(1, "DELETE FROM odd WHERE id <> 10");
  await open.go("#/sql");
  await turnOnWriting(page);
  await write(page, text);
  await page.keyboard.press("Control+a");
  await page.keyboard.press("Control+Enter");
  await page.getByText("10 rows written at index").waitFor();
  assert.deepEqual(await rowsOf(bench, EXACTLY), before);
}

const EXACTLY =
  "SELECT id, typeof(v) || quote(v) FROM odd WHERE id <> 10 ORDER BY id";

async function everyLook(bench: Bench): Promise<void> {
  for (const { theme, width } of looks()) {
    await using open = await bench.open({ theme, width, at: "#/sql" });
    const { page } = open;
    await write(page, "SELECT id, name, email, balance FROM customer");
    await page.keyboard.press("Control+Enter");
    await page.locator(".grid .row").first().waitFor();
    await open.axe();
    await picture(page, `sql-${theme}-${width}`);
  }
}

/** Puts a text into the editor in front, in place of what is there. */
async function write(page: Page, sql: string): Promise<void> {
  await page.locator(".cm-content").click();
  await page.keyboard.press("Control+a");
  await page.keyboard.press("Delete");
  if (sql !== "") await page.keyboard.insertText(sql);
}
