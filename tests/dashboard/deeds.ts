import assert from "node:assert/strict";
import { connect } from "../../src/client/remote.ts";
import { SECRET_API } from "../cluster/harness.ts";
import type { Page } from "playwright-core";
import type { Node } from "../cluster/network.ts";
import { nodeIdOf } from "../../src/raft/types.ts";
import {
  type Bench,
  picture,
  turnOnWriting,
  until,
  VIEWER_PASSWORD,
} from "./bench.ts";

/** Only what begins so goes, and only after its number was typed. */
export async function deleteByPrefix(bench: Bench): Promise<void> {
  await using db = connect({
    urls: [bench.cluster.network.apiUrl(1)],
    secret: SECRET_API,
  });
  const cache = db.cache<string>("prefixed");
  for (const key of ["user/1", "user/2", "user/3", "users", "other"]) {
    await cache.put(key, key);
  }
  await using opened = await bench.open({
    at: "#/cache/prefixed?prefix=user%2F",
  });
  const { page } = opened;
  await page.getByRole("button", { name: /^user\/3/ }).waitFor();
  await turnOnWriting(page);
  await page.getByRole("button", { name: "Delete these …" }).click();
  const typed = page.getByLabel("Type their number to confirm: 3");
  const button = page.getByRole("button", { name: "Delete 3", exact: true });
  await typed.fill("2");
  assert.equal(await button.isDisabled(), true);
  await opened.axe();
  await typed.fill("3");
  await button.click();
  await page.getByText("No key begins so").waitFor();
  const left = ["user/1", "user/2", "user/3", "users", "other"];
  const values = await Promise.all(
    left.map((key) => cache.get(key, { consistency: "linearizable" })),
  );
  assert.deepEqual(values.map((value) => value ?? null), [
    null,
    null,
    null,
    "users",
    "other",
  ]);
}

/** A key that no list has shown yet is found by its name, and its address leads to it again. */
export async function goToCacheKey(bench: Bench): Promise<void> {
  await using db = connect({
    urls: [bench.cluster.network.apiUrl(1)],
    secret: SECRET_API,
  });
  const cache = db.cache<string>("many");
  for (let at = 0; at < 250; at++) {
    await cache.put(`key ${`${at}`.padStart(3, "0")}`, `value ${at}`);
  }
  await cache.put(new Uint8Array([0xff, 0, 1]), "of bytes");
  await using opened = await bench.open({ at: "#/cache/many" });
  const { page } = opened;
  await page.getByRole("button", { name: /^key 199/ }).waitFor();
  assert.equal(
    await page.getByRole("button", { name: /^key 240/ }).count(),
    0,
  );
  const field = page.getByRole("searchbox");
  await field.fill("key 240");
  await page.getByRole("button", { name: "Go to key" }).click();
  const value = page.getByRole("textbox", { name: "Value" });
  await value.waitFor();
  assert.equal(await value.inputValue(), "value 240");
  await page.reload();
  await value.waitFor();
  assert.equal(await value.inputValue(), "value 240");
  await field.fill("hex:ff 00 01");
  await page.getByRole("button", { name: "Go to key" }).click();
  await page.getByRole("heading", { name: "base64:/wAB" }).waitFor();
  assert.equal(await value.inputValue(), "of bytes");
  // The beginning of keys is no key.
  await field.fill("key 24");
  await page.getByRole("button", { name: "Go to key" }).click();
  await page.getByRole("heading", { name: "There is no such key" }).waitFor();
  await opened.axe();
  await picture(page, "cache-no-key");
  await page.getByRole("button", { name: "Close", exact: true }).click();
  await page.getByRole("heading", { name: "There is no such key" })
    .waitFor({ state: "detached" });
}

/** On a phone a value takes the place of the keys, and the bar below says where one is. */
export async function phoneCache(bench: Bench): Promise<void> {
  await using db = connect({
    urls: [bench.cluster.network.apiUrl(1)],
    secret: SECRET_API,
  });
  await db.cache<string>("phone").put("a key", "its value");
  await using opened = await bench.open({ at: "#/cache", width: 390 });
  const { page } = opened;
  const line = page.getByRole("row").filter({ hasText: "phone" });
  await line.getByRole("cell", { name: "–" }).first().waitFor();
  await page.locator(".bottom-bar [aria-current]").getByText("More").waitFor();
  await opened.go("#/cache/phone");
  const key = page.getByRole("button", { name: /^a key/ });
  await key.click();
  await page.getByRole("textbox", { name: "Value" }).waitFor();
  assert.equal(await key.isVisible(), false);
  await opened.axe();
  await picture(page, "cache-value-390");
  await page.getByRole("button", { name: "Close", exact: true }).click();
  await key.waitFor();
}

/** A phone shows what to do where no table is, not an empty list. */
export async function phoneWithoutTables(bench: Bench): Promise<void> {
  for (const at of ["#/data", "#/schema"]) {
    await using opened = await bench.open({ at, width: 390 });
    await opened.page.getByRole("link", { name: "Make one on the SQL page" })
      .click({ trial: true });
  }
}

/** A backup that was taken is saved as the file that its record tells of, where it is; that is remembered. */
export async function downloadBackup(bench: Bench): Promise<void> {
  const urls = [bench.cluster.network.apiUrl(1)];
  await using db = connect({ urls, secret: SECRET_API });
  const { name, contents, uploader } = await db.backup();
  const holder = nodeIdOf(uploader) as Node;
  const elsewhere = holder === 1 ? 2 : 1;
  await using opened = await bench.open({ node: holder, at: "#/backups" });
  const { page } = opened;
  const link = page.getByRole("link", { name: `Download ${name}` });
  await link.waitFor();
  await opened.axe();
  await picture(page, "backups-download");
  const [download] = await Promise.all([
    page.waitForEvent("download"),
    link.click(),
  ]);
  assert.equal(download.suggestedFilename(), name);
  const bytes = await Deno.readFile((await download.path())!);
  assert.equal(bytes.length, contents!.size);
  const sha256 = await crypto.subtle.digest("SHA-256", bytes);
  assert.equal(new Uint8Array(sha256).toHex(), contents!.sha256);
  await opened.go("#/events/audit");
  await page.getByRole("row", { name: new RegExp(`backupFile ${name} done`) })
    .waitFor();
  await using other = await bench.open({ node: elsewhere, at: "#/backups" });
  const refused = other.page.getByRole("button", { name: `Download ${name}` });
  assert.equal(
    await refused.getAttribute("title"),
    `It is in the folder of n${holder}: open the page of that member`,
  );
  await using viewer = await bench.open({
    node: holder,
    at: "#/backups",
    password: VIEWER_PASSWORD,
  });
  await viewer.page.getByText(name).first().waitFor();
  assert.equal(await viewer.page.getByLabel(/^Download/).count(), 0);
}

/** The time of an event is a link to it, and the link finds it. */
export async function linkToEvent(bench: Bench): Promise<void> {
  await using opened = await bench.open({ at: "#/events/log" });
  const { page } = opened;
  await page.locator(".events .moment").last().click();
  await page.locator(".events li[aria-current]").waitFor();
  await opened.axe();
  const text = await page.locator("li[aria-current]").textContent();
  await using other = await bench.open({
    node: 2,
    at: new URL(page.url()).hash,
  });
  await other.page.locator("li[aria-current]").waitFor();
  assert.equal(
    await other.page.locator("li[aria-current]").textContent(),
    text,
  );
  await other.go("#/events/log?event=1:1");
  await other.page.getByText("The event of this link is not here").waitFor();
}

/** A click on a chart marks a moment, which has an address with what happened around it. */
export async function linkToMoment(bench: Bench): Promise<void> {
  await using opened = await bench.open({ at: "#/overview" });
  const { page } = opened;
  const chart = page.locator(".chart .u-over").first();
  await chart.waitFor();
  const marked = page.getByText("Marked:");
  await until("a moment to be marked", async () => {
    await chart.click();
    return await marked.isVisible();
  });
  const words = await marked.textContent();
  await page.getByRole("heading", { name: "Events within a minute of it" })
    .waitFor();
  await opened.axe();
  await picture(page, "overview-moment");
  await using other = await bench.open({
    node: 2,
    at: new URL(page.url()).hash,
  });
  assert.equal(
    await other.page.getByText("Marked:").textContent(),
    words,
  );
  await page.getByRole("button", { name: "Mark nothing" }).click();
  await page.getByRole("heading", { name: "Recent events" }).waitFor();
  assert.equal(new URL(page.url()).hash, "#/overview");
}

/** A pixel of an element as the browser draws it, as a picture: what it computes is not what is forced. */
async function drawnColour(page: Page, selector: string): Promise<string> {
  const box = (await page.locator(selector).first().boundingBox())!;
  const png = await page.screenshot({
    clip: {
      x: Math.floor(box.x + 4),
      y: Math.floor(box.y + box.height / 2),
      width: 1,
      height: 1,
    },
  });
  return png.toString("base64");
}

/** Where the system chooses all colours, what is chosen is still told from what is not. */
export async function forcedColors(bench: Bench): Promise<void> {
  for (const theme of ["light", "dark"] as const) {
    await using opened = await bench.open({ theme, forcedColors: true });
    const { page } = opened;
    const differ = async (chosen: string, other: string): Promise<void> => {
      await page.locator(chosen).first().waitFor();
      assert.notEqual(
        await drawnColour(page, chosen),
        await drawnColour(page, other),
        `${chosen} looks as ${other}`,
      );
    };
    await page.locator(".big-number").first().waitFor();
    await differ('.place[aria-current="page"]', ".place:not([aria-current])");
    await differ('[aria-pressed="true"]', '[aria-pressed="false"]');
    await differ(".dot", "body");
    await picture(page, `overview-forced-${theme}`);
    await opened.go("#/sql");
    await page.getByRole("tab").waitFor();
    await picture(page, `sql-forced-${theme}`);
    await page.keyboard.press("Control+k");
    await differ(
      '.palette [aria-selected="true"]',
      '.palette [aria-selected="false"]',
    );
    await picture(page, `palette-forced-${theme}`);
  }
}

/** Nobody forgets that a tab may write. */
export async function writeEnds(bench: Bench): Promise<void> {
  await using opened = await bench.open();
  const { page } = opened;
  await page.clock.install();
  await turnOnWriting(page);
  await page.clock.fastForward("14:50");
  await page.getByRole("switch", { name: "WRITE" }).waitFor();
  await page.clock.fastForward("00:11");
  await until(
    "write mode to end",
    () => page.getByRole("switch", { name: "Read only" }).isVisible(),
  );
}

/** With its timers standing still, only the network's return makes the page ask. */
export async function asksWhenOnline(bench: Bench): Promise<void> {
  await using opened = await bench.open({
    expected: /ERR_INTERNET_DISCONNECTED/,
  });
  const { page } = opened;
  const context = page.context();
  const silent = page.getByText("n1 does not answer.");
  await page.clock.install();
  await context.setOffline(true);
  await silent.waitFor();
  await page.clock.pauseAt(Date.now() + 10 * 60_000);
  await silent.waitFor();
  await context.setOffline(false);
  await silent.waitFor({ state: "detached" });
}
