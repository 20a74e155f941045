import assert from "node:assert/strict";
import type { Page } from "playwright-core";
import type { Bench } from "./bench.ts";

const TEXT =
  "SELECT id, 'a; b' -- not yet\nFROM customer\nWHERE id > 10;\nSELECT 2";

/**
 * A browser that writes over words of another colour itself would keep their look in a style attribute, which the
 * policy refuses: whatever is refused fails the test when the page is closed.
 */
export async function typedOver(bench: Bench): Promise<void> {
  await using open = await bench.open({ at: "#/sql" });
  const { page } = open;
  const editor = page.locator(".cm-content");
  const keys = page.keyboard;
  const begin = async (): Promise<void> => {
    await editor.focus();
    await keys.press("Control+a");
    await keys.press("Delete");
    await keys.insertText(TEXT);
    await keys.press("Escape");
    await keys.press("Control+Home");
  };
  await begin();
  await keys.press("Shift+End");
  await keys.type("x");
  await textIs(page, "x\nFROM customer\nWHERE id > 10;\nSELECT 2");
  await keys.press("Control+z");
  await textIs(page, TEXT);
  await keys.press("Control+a");
  await keys.insertText("SELECT 7");
  await textIs(page, "SELECT 7");
  await begin();
  await keys.press("Shift+ArrowDown");
  await keys.press("Shift+ArrowDown");
  await keys.type("ab");
  await textIs(page, "abWHERE id > 10;\nSELECT 2");
  // A bracket goes around what is selected, as before.
  await begin();
  await keys.press("Control+Shift+ArrowRight");
  await keys.type("(");
  await textIs(page, TEXT.replace("SELECT", "(SELECT)"));
  await begin();
  for (const key of ["b", "i", "u"]) await keys.press(`Control+${key}`);
  await textIs(page, TEXT);
  await composed(page, begin);
}

/** Writes over a selection as people do who write by an input method. */
async function composed(page: Page, begin: () => Promise<void>): Promise<void> {
  const inspector = await page.context().newCDPSession(page);
  await begin();
  await page.keyboard.press("Shift+End");
  for (const [at, text] of ["日", "日本"].entries()) {
    await inspector.send("Input.imeSetComposition", {
      text,
      selectionStart: at + 1,
      selectionEnd: at + 1,
    });
  }
  await inspector.send("Input.insertText", { text: "日本語" });
  await textIs(page, "日本語\nFROM customer\nWHERE id > 10;\nSELECT 2");
}

async function textIs(page: Page, text: string): Promise<void> {
  // A line of the editor is an element each.
  const lines = page.locator(".cm-line");
  await lines.nth(text.split("\n").length - 1).waitFor();
  assert.deepEqual(await lines.allTextContents(), text.split("\n"));
}
