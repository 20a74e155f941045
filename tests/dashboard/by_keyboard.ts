import assert from "node:assert/strict";
import type { Page } from "playwright-core";
import type { Bench } from "./bench.ts";
import { rowsOf } from "./tables.ts";

/** Finds a customer, follows to the orders, changes one, reviews, applies, and finds it in the audit trail. */
export async function byKeyboard(bench: Bench): Promise<void> {
  await using open = await bench.open({ at: "#/data" });
  const { page } = open;
  const keys = page.keyboard;
  const command = async (words: string): Promise<void> => {
    await keys.press("Control+k");
    await page.locator(".palette input").waitFor();
    await keys.type(words);
    await page.locator(".palette [aria-selected=true]").getByText(words)
      .waitFor();
    await keys.press("Enter");
  };
  await command("Turn on write mode");
  await command("customer");
  await page.locator('[data-cell="0:0"]').waitFor();
  await keys.press("/");
  await keys.type("name = Customer 77");
  await keys.press("Enter");
  await page.getByText("1 row", { exact: true }).waitFor();
  await tabTo(page, "[role=gridcell]");
  await keys.press("Enter");
  await page.locator(".related").getByText("purchase (3)").waitFor();
  await tabTo(page, ".related a");
  await keys.press("Enter");
  await page.getByRole("heading", { name: "purchase" }).waitFor();
  await page.getByText("3 rows", { exact: true }).waitFor();
  await tabTo(page, "[role=gridcell]");
  await keys.press("ArrowRight");
  await keys.press("ArrowRight");
  await keys.press("Enter");
  const field = page.locator('[data-column="status"] textarea');
  await field.waitFor();
  await tabTo(page, '[data-column="status"] textarea');
  await keys.press("Control+a");
  await keys.type("sent");
  await keys.press("Control+s");
  await page.getByRole("dialog").waitFor();
  await tabTo(page, "dialog button[type=submit]");
  await keys.press("Enter");
  await page.getByRole("dialog").waitFor({ state: "detached" });
  assert.deepEqual(
    await rowsOf(
      bench,
      "SELECT count(*) FROM purchase WHERE customer_id = 77 AND status = 'sent'",
    ),
    [[1]],
  );
  await keys.press("Escape");
  await command("Locks & events");
  await page.getByRole("heading", { name: "Locks & events" }).waitFor();
  await tabTo(page, ".segments button:last-of-type");
  await keys.press("Enter");
  const entry = page.getByRole("row").filter({ hasText: 'UPDATE "purchase"' });
  await entry.getByText("done", { exact: true }).waitFor();
}

/** Presses Tab until what is wanted has the focus. */
async function tabTo(page: Page, selector: string): Promise<void> {
  for (let presses = 0; presses < 80; presses++) {
    const there = await page.evaluate(
      `document.activeElement?.matches(${JSON.stringify(selector)}) === true`,
    );
    if (there) return;
    await page.keyboard.press("Tab");
  }
  throw new Error(`Tab does not reach ${selector}`);
}
