import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import type { Page } from "playwright-core";
import { type Bench, picture, turnOnWriting, until, WAIT_MS } from "./bench.ts";
import { rowsOf } from "./tables.ts";

/** Opens the dialog and gives it a file. */
async function chosen(page: Page, text: string) {
  await page.getByRole("button", { name: "Run a file" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.locator("input[type=file]").setInputFiles({
    name: "script.sql",
    mimeType: "application/sql",
    buffer: Buffer.from(text),
  });
  return dialog;
}

const EXACTLY = "SELECT id, typeof(v), hex(quote(v)) FROM odd ORDER BY id";

/** A dump that the page made, with a blob that no text of a statement may have. */
export async function dumpRunAgain(bench: Bench): Promise<void> {
  await using open = await bench.open({ at: "#/data" });
  const { page } = open;
  await open.go("#/data/odd");
  await page.getByRole("button", { name: "Export" }).click();
  const exporting = page.getByRole("dialog");
  await exporting.getByRole("radio", { name: /^SQL/ }).check();
  const [download] = await Promise.all([
    page.waitForEvent("download"),
    exporting.getByRole("button", { name: "Export" }).click(),
  ]);
  const text = await Deno.readTextFile((await download.path())!);
  const before = await rowsOf(
    bench,
    EXACTLY.replace("FROM odd", "FROM odd WHERE id <> 10"),
  );
  await bench.cluster.write(1, "DELETE FROM odd");
  await open.go("#/sql");
  await turnOnWriting(page);
  const dialog = await chosen(page, `BEGIN;\n${text}\nCOMMIT;\n`);
  await dialog.getByRole("button", { name: "Run", exact: true }).click();
  await dialog.getByText(/^Done: (\d+) of \1 statements applied$/).waitFor();
  await dialog.getByText("11 rows written").waitFor();
  assert.deepEqual(
    await rowsOf(
      bench,
      EXACTLY.replace("FROM odd", "FROM odd WHERE id <> 10"),
    ),
    before,
  );
  assert.deepEqual(
    await rowsOf(
      bench,
      "SELECT typeof(v), v = zeroblob(5000000) FROM odd WHERE id = 10",
    ),
    [["blob", 1]],
  );
}

/** 1,500 statements of which one is refused: what comes before it stays, and it is named by its line. */
export async function refusedByLine(bench: Bench): Promise<void> {
  const lines = ["CREATE TABLE scripted (id INTEGER PRIMARY KEY, x NOT NULL);"];
  for (let id = 1; id < 1500; id++) {
    lines.push(
      `INSERT INTO scripted VALUES (${id}, ${id === 1200 ? "NULL" : id});`,
    );
  }
  await using open = await bench.open({
    at: "#/sql",
    expected: /400 \(Bad Request\)|409|422/,
  });
  const { page } = open;
  await turnOnWriting(page);
  const dialog = await chosen(page, lines.join("\n"));
  await dialog.getByText("1,499 INSERT, 1 CREATE").waitFor();
  await open.axe();
  await picture(page, "sql-file");
  await dialog.getByRole("button", { name: "Run", exact: true }).click();
  await dialog.getByText("Line 1,201 was refused").waitFor();
  await dialog.getByText("1,200 of 1,500 statements applied").waitFor();
  await open.axe();
  await picture(page, "sql-file-refused");
  const count = "SELECT count(*), max(id) FROM scripted";
  assert.deepEqual(await rowsOf(bench, count), [[1199, 1199]]);
  // The same is refused once more, and nothing is applied twice.
  await dialog.getByRole("button", { name: "Try again" }).click();
  await dialog.getByText("Line 1,201 was refused").waitFor();
  assert.deepEqual(await rowsOf(bench, count), [[1199, 1199]]);
  await dialog.getByRole("button", { name: "Go on behind it" }).click();
  await dialog.getByText("Done: 1,499 of 1,500 statements applied").waitFor();
  await dialog.getByText(", 1 passed over").waitFor();
  assert.deepEqual(await rowsOf(bench, count), [[1498, 1499]]);
}

/** One transaction: all of it or nothing. What destroys something is counted, and the number typed. */
export async function allOrNothing(bench: Bench): Promise<void> {
  await bench.cluster.write(1, "CREATE TABLE doomed (x)");
  await using open = await bench.open({
    at: "#/sql",
    expected: /400 \(Bad Request\)/,
  });
  const { page } = open;
  await turnOnWriting(page);
  const script = (end: string): string =>
    `CREATE TABLE heir (x);\nDROP TABLE doomed;\n\nDELETE FROM vacant;\n${end};`;
  const dialog = await chosen(page, script("SELECT nothing FROM heir"));
  await dialog.getByText("Line 2: DROP TABLE doomed;").waitFor();
  const run = dialog.getByRole("button", { name: "Run", exact: true });
  assert.equal(await run.isDisabled(), true);
  await dialog.getByRole("button", { name: "One transaction" }).click();
  await dialog.getByLabel("Type their number to confirm: 2").fill("2");
  await open.axe();
  await picture(page, "sql-file-destroys");
  await run.click();
  await dialog.getByText("Line 5 was refused").waitFor();
  await dialog.getByText("Nothing of the file is applied").waitFor();
  const there =
    "SELECT name FROM sqlite_schema WHERE name IN ('heir', 'doomed')";
  assert.deepEqual(await rowsOf(bench, there), [["doomed"]]);
  await dialog.getByRole("button", { name: "Close" }).last().click();
  const again = await chosen(page, script("INSERT INTO heir VALUES (1)"));
  await again.getByRole("button", { name: "One transaction" }).click();
  await again.getByLabel("Type their number to confirm: 2").fill("2");
  await again.getByRole("button", { name: "Run", exact: true }).click();
  await again.getByText("Done: 4 of 4 statements applied").waitFor();
  assert.deepEqual(await rowsOf(bench, there), [["heir"]]);
}

/** An answer that is lost: the batch is sent again under its key, and applied once. */
export async function lostBatch(bench: Bench): Promise<void> {
  await bench.cluster.write(1, "CREATE TABLE once (id)");
  await using open = await bench.open({
    at: "#/sql",
    expected: /ERR_|Failed to load/,
  });
  const { page } = open;
  await turnOnWriting(page);
  let lost = 0;
  await page.route("**/sql/write*", async (route) => {
    if (lost++ > 0) return await route.continue();
    await route.fetch();
    await route.abort();
  });
  const dialog = await chosen(
    page,
    "INSERT INTO once VALUES (1);\nINSERT INTO once VALUES (2);\n",
  );
  await dialog.getByRole("button", { name: "Run", exact: true }).click();
  await dialog.getByText("It is not known whether this was done").waitFor();
  await dialog.getByRole("button", { name: "Try again" }).click();
  await dialog.getByText("Done: 2 of 2 statements applied").waitFor();
  await until("both rows", async () => {
    const [[count]] = await rowsOf(bench, "SELECT count(*) FROM once") as [
      [number],
    ];
    assert.ok(count <= 2, `${count} rows`);
    return count === 2;
  });
}

/** What is too much at once is sent in halves; a run that somebody stopped goes on where it was. */
export async function halvedAndStopped(bench: Bench): Promise<void> {
  await bench.cluster.write(1, "CREATE TABLE halved (id INTEGER PRIMARY KEY)");
  await using open = await bench.open({
    at: "#/sql",
    expected: /504 \(Gateway Timeout\)/,
  });
  const { page } = open;
  await turnOnWriting(page);
  const sizes: number[] = [];
  const waits: (() => void)[] = [];
  await page.route("**/sql/write*", async (route) => {
    const { statements } = route.request().postDataJSON() as {
      readonly statements: readonly unknown[];
    };
    sizes.push(statements.length);
    if (statements.length > 500) throw new Error("more than a batch");
    if (statements.length === 500) {
      await new Promise<void>((go) => waits.push(go));
    } else if (statements.length > 1) {
      return await route.fulfill({
        status: 504,
        contentType: "application/json",
        body: JSON.stringify({
          error: { code: "timeout", message: "It took too long" },
        }),
      });
    }
    await route.continue();
  });
  const lines = Array.from(
    { length: 1_003 },
    (_, id) => `INSERT INTO halved VALUES (${id});`,
  );
  const dialog = await chosen(page, lines.join("\n"));
  await dialog.getByRole("button", { name: "Run", exact: true }).click();
  await until("the first batch", () => Promise.resolve(waits.length === 1));
  await dialog.getByRole("button", { name: "Stop" }).click();
  waits[0]!();
  await dialog.getByText("500 of 1,003 statements applied").waitFor();
  await dialog.getByRole("button", { name: "Go on" }).click();
  await until("the second batch", () => Promise.resolve(waits.length === 2));
  waits[1]!();
  await dialog.getByText("Done: 1,003 of 1,003 statements applied").waitFor();
  assert.deepEqual(sizes, [500, 500, 3, 1, 2, 1, 1]);
  assert.deepEqual(
    await rowsOf(bench, "SELECT count(*), sum(id) FROM halved"),
    [[1_003, 1_002 * 1_003 / 2]],
  );
  // However many batches it took, it is one line of the audit trail.
  await dialog.getByRole("button", { name: "Close", exact: true }).last()
    .click();
  await open.go("#/events/audit");
  const noted = page.getByRole("row").filter({ hasText: /INTO halved/ });
  await noted.getByText("script.sql, 1,003:").waitFor();
  assert.equal(await noted.count(), 1);
}

/** What took long is listed with its text, which opens in the editor. Viewers have no such list. */
export async function slowOnes(
  bench: Bench,
  viewerPassword: string,
): Promise<void> {
  const slow =
    "WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 300000) SELECT max(i) AS slowest FROM n";
  // Another member is asked than the one whose page shows it.
  const answer = await bench.cluster.api(2).query({ sql: slow }, {
    consistency: "local",
    timeoutMs: WAIT_MS,
  });
  assert.equal(answer.type, "ok");
  await using open = await bench.open({ at: "#/sql" });
  const { page } = open;
  await page.getByRole("button", { name: "Slow", exact: true }).click();
  const text = page.getByRole("button", { name: /AS slowest/ });
  await text.first().waitFor();
  await page.getByRole("row").filter({ has: text })
    .getByRole("cell", { name: "n2", exact: true }).waitFor();
  await open.axe();
  await picture(page, "sql-slow");
  await text.first().click();
  await page.locator(".cm-content").getByText("slowest").waitFor();
  await using looking = await bench.open({
    at: "#/sql",
    password: viewerPassword,
  });
  await looking.page.getByRole("button", { name: "History" }).waitFor();
  assert.equal(
    await looking.page.getByRole("button", { name: "Slow", exact: true })
      .count(),
    0,
  );
}
