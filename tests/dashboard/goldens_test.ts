import assert from "node:assert/strict";
import type { Browser } from "playwright-core";
import { launchBrowser, openPage } from "./bench.ts";
import { NOW_MS } from "./fixed/cluster.ts";
import { FixedPage } from "./fixed/fixed_page.ts";
import { Pictures } from "./fixed/pictures.ts";

/** Pages that are compared with how they looked, and what is there when they can be. */
const COMPARED = [
  { name: "overview", at: "#/overview", there: ".chart canvas" },
  { name: "data", at: "#/data/customer", there: ".grid .row" },
  { name: "members", at: "#/members", there: ".member" },
  { name: "sql", at: "#/sql?sql=SELECT%201", there: ".cm-content" },
] as const;

/** So many pixels may be otherwise: edges of letters differ between builds of a browser. */
const SHARE_MAX = 0.001;
const FOLDER = new URL("./fixed/", import.meta.url);
/** The browser's release that drew what is kept. */
const DRAWN_BY = new URL("drawn_by.txt", FOLDER);
const RENEWS = Deno.env.get("HQL_TEST_RENEW_GOLDENS") !== undefined;
/** Where pictures go that are otherwise. */
const SEEN = new URL("../../dist/goldens/", import.meta.url);

Deno.test("pages look as they did", async (test) => {
  await using served = await FixedPage.start();
  const browser = await launchBrowser();
  try {
    if (RENEWS) await Deno.writeTextFile(DRAWN_BY, `${releaseOf(browser)}\n`);
    for (const page of COMPARED) {
      for (const theme of ["light", "dark"] as const) {
        await test.step(`${page.name}, ${theme}`, () =>
          compared(browser, served, page, theme));
      }
    }
  } finally {
    await browser.close();
  }
});

/** Another release may draw letters otherwise. */
function releaseOf(browser: Browser): string {
  return browser.version().split(".")[0]!;
}

async function compared(
  browser: Browser,
  served: FixedPage,
  { name, at, there }: typeof COMPARED[number],
  theme: "light" | "dark",
): Promise<void> {
  await using opened = await openPage(browser, served.base, {
    theme,
    at,
    width: 1024,
    password: null,
    prepare: (page) => page.clock.setFixedTime(NOW_MS),
  });
  const { page } = opened;
  await page.setViewportSize({ width: 1024, height: 576 });
  await page.locator(there).first().waitFor();
  await page.locator(".skeleton").first().waitFor({ state: "detached" });
  const png = await page.screenshot();
  const file = new URL(`${name}-${theme}.webp`, FOLDER);
  const pictures = new Pictures(browser);
  if (RENEWS) {
    return await Deno.writeFile(file, await pictures.pack(png));
  }
  const { sizes, share } = await pictures.compare(
    await Deno.readFile(file),
    png,
  );
  assert.equal(sizes[0], sizes[1]);
  if (share > SHARE_MAX) {
    await Deno.mkdir(SEEN, { recursive: true });
    await Deno.writeFile(new URL(`${name}-${theme}.png`, SEEN), png);
    const said =
      `${
        (share * 100).toFixed(2)
      } % of ${name}-${theme} looks otherwise: see dist/goldens; if it is meant so, ` +
      "`deno task test:dashboard --renew-goldens`";
    const drawnBy = (await Deno.readTextFile(DRAWN_BY)).trim();
    const release = releaseOf(browser);
    if (release === drawnBy) assert.fail(said);
    // deno-lint-ignore no-console -- nobody's fault, but to be seen
    console.log(
      `${said} (Chromium ${drawnBy} drew what is kept, this is ${release})`,
    );
  }
}
