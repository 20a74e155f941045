import assert from "node:assert/strict";
import type { Page } from "playwright-core";
import { type Bench, picture, until } from "./bench.ts";

/** A row is found by its key, in whatever order rows are shown; its address leads to it again. */
export async function goToRow(bench: Bench): Promise<void> {
  await bench.cluster.write(
    1,
    "CREATE TABLE slot (day TEXT, hour INTEGER, who TEXT, PRIMARY KEY (day, hour)) WITHOUT ROWID",
  );
  await bench.cluster.write(
    1,
    "INSERT INTO slot WITH RECURSIVE n(i) AS (VALUES (0) UNION ALL SELECT i + 1 FROM n WHERE i < 1199) SELECT printf('2026-%03d', i / 24), i % 24, 'who ' || (1199 - i) FROM n",
  );
  await using open = await bench.open({ at: "#/data" });
  const { page } = open;
  await open.go("#/data/slot");
  await sought(page, ["2026-030", "7"]);
  await chosen(page, "who 472");
  await page.getByText("more above and below").waitFor();
  await page.reload();
  await chosen(page, "who 472");
  await page.locator(".grid .row.chosen [role=gridcell]").first()
    .press("Enter");
  const link = page.getByRole("button", { name: "Copy a link to this row" });
  await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
  await link.click();
  const copied = await page.evaluate<string>("navigator.clipboard.readText()");
  assert.match(
    decodeURIComponent(copied),
    /#\/data\/slot\?k=\["'2026-030'","7"\]$/,
  );
  await page.getByLabel("Copy this row").selectOption("INSERT");
  await page.getByText("Copied").first().waitFor();
  await until("the statement to be copied", async () => {
    const text = await page.evaluate<string>("navigator.clipboard.readText()");
    return text.trim() ===
      `INSERT INTO "slot" ("day", "hour", "who") VALUES ('2026-030', 7, 'who 472');`;
  });
  await open.axe();
  await picture(page, "data-row-link");
  // In another order it stands among others.
  await open.go("#/data/slot?s=who");
  await page.getByText("more below").waitFor();
  await sought(page, ["2026-000", "2"]);
  await chosen(page, "who 1197");
  assert.match(page.url(), /s=who/);
  await sought(page, ["2026-777", "0"]);
  await page.getByText("No row has this key").waitFor();
  await chosen(page, "who 0");
  // By its key, the next one takes the place of what is not there.
  await open.go("#/data/slot");
  await sought(page, ["2026-030", "99"]);
  await page.getByText("No row has this key").waitFor();
  await chosen(page, "who 455");
  await page.getByRole("button", { name: "First", exact: true }).click();
  await chosen(page, "who 1199");
  assert.equal(await page.getByText("No row has this key").count(), 0);
  await sought(page, ["3", "1"]);
  await page.getByText("No row has this key").waitFor();
  await page.getByText("more above", { exact: false }).waitFor();
}

/** Columns that are hidden leave the others as they are: their values, their order, and what is opened. */
export async function hideColumns(bench: Bench): Promise<void> {
  await bench.cluster.write(
    1,
    "CREATE TABLE wide (id INTEGER PRIMARY KEY, a, b, c)",
  );
  await bench.cluster.write(
    1,
    "INSERT INTO wide VALUES (1, 11, 12, 23), (2, 21, 22, 13)",
  );
  await using open = await bench.open({ at: "#/data" });
  const { page } = open;
  await open.go("#/data/wide");
  const cells = (): Promise<string[]> =>
    page.locator(".grid .row").first().getByRole("gridcell").allTextContents();
  await page.locator(".grid .row").first().waitFor();
  assert.deepEqual(await cells(), ["1", "11", "12", "23"]);
  await page.getByRole("button", { name: "Columns", exact: true }).click();
  const dialog = page.getByRole("dialog");
  for (const name of ["id", "a", "b"]) {
    await dialog.getByLabel(name, { exact: true }).uncheck();
  }
  assert.equal(
    await dialog.getByLabel("c", { exact: true }).isDisabled(),
    true,
  );
  await dialog.getByLabel("b", { exact: true }).check();
  await open.axe();
  await picture(page, "data-columns");
  await dialog.getByRole("button", { name: "Done" }).click();
  assert.deepEqual(await cells(), ["12", "23"]);
  await page.getByRole("columnheader", { name: "c" }).getByRole("button")
    .click();
  await until(
    "the order to change",
    async () => (await cells()).join() === "22,13",
  );
  await page.getByRole("gridcell", { name: "13" }).dblclick();
  // All columns are in the row that is opened, at the one that was.
  await page.locator('.inspector [data-column="a"]').getByText("21").waitFor();
  await page.getByRole("button", { name: "Close the row" }).click();
  await page.getByRole("button", { name: "Columns: 2 hidden" }).click();
  await dialog.getByRole("button", { name: "Show all" }).click();
  await dialog.getByRole("button", { name: "Done" }).click();
  assert.deepEqual(await cells(), ["2", "21", "22", "13"]);
}

async function sought(page: Page, key: readonly string[]): Promise<void> {
  await page.getByRole("button", { name: "Go to key" }).click();
  const dialog = page.getByRole("dialog");
  for (const [at, text] of key.entries()) {
    await dialog.getByRole("textbox").nth(at).fill(text);
  }
  await dialog.getByRole("button", { name: "Go there" }).click();
}

/** Waits until the chosen row, on which the page begins, has this in it. */
async function chosen(page: Page, text: string): Promise<void> {
  await page.locator(".grid .row.chosen").filter({ hasText: text }).waitFor();
}
