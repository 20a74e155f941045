import assert from "node:assert/strict";
import { type Browser, chromium, type Page } from "playwright-core";
import axe from "axe-core";
import { hashPassword } from "../../src/password/argon2.ts";
import { TestCluster } from "../cluster/harness.ts";
import type { Node } from "../cluster/network.ts";
import { CHROMIUM } from "./chromium.ts";

/** Hiqlite's own sample, from its documentation, and its hash as it stands there. */
export const PASSWORD = "123SuperMegaSafe";
export const PASSWORD_HASH =
  "JGFyZ29uMmlkJHY9MTkkbT0xOTQ1Nix0PTIscD0xJGQ2RlJDYTBtaS9OUnkvL1RubmZNa0EkVzJMeTQrc1dxZ0FGd0RyQjBZKy9iWjBQUlZlOTdUMURwQkk5QUoxeW1wRQ==";

/** Who signs in with it may only look. */
export const VIEWER_PASSWORD = "only-for-looking-at-it";

/** Only against a hang. */
export const WAIT_MS = 60_000;

/** Runs in the page before its own scripts. What was refused says where it stands and who asked for it: once it is gone, nobody finds it again. */
const TELLS_OF_POLICY =
  `document.addEventListener("securitypolicyviolation", (event) => {
  const [element] = event.composedPath();
  console.error("policy: " + [event.effectiveDirective, event.blockedURI,
    event.sample, event.sourceFile + ":" + event.lineNumber + ":" + event.columnNumber,
    element?.outerHTML?.slice(0, 300)].join(" "));
});`;

/** Runs in the page; answers a text for each finding. */
const RUN_AXE = `axe.run().then(({ violations }) => violations.flatMap((each) =>
  each.nodes.map((node) =>
    each.id + ": " + node.html.slice(0, 200) + " " + node.failureSummary)))`;

/** How wide a page is, and in which colours. */
export interface Look {
  readonly theme: "light" | "dark";
  readonly width: 1280 | 390;
}

/** Colours do not depend on the width, so two looks have all of both; where somebody wants pictures, they are of every pair. */
export function looks(): readonly Look[] {
  const two: Look[] = [
    { theme: "light", width: 1280 },
    { theme: "dark", width: 390 },
  ];
  if (Deno.env.get("HQL_TEST_SCREENSHOTS") === undefined) return two;
  return [
    ...two,
    { theme: "light", width: 390 },
    { theme: "dark", width: 1280 },
  ];
}

/** How a page is opened. */
export interface OpenOptions {
  /** The member that serves it. @default {1} */
  readonly node?: Node;
  readonly theme?: "light" | "dark";
  /** The system chooses all colours. @default {false} */
  readonly forcedColors?: boolean;
  /** @default {1280} */
  readonly width?: number;
  /** The address instead of a member's, up to the page's folder. */
  readonly base?: string;
  /** The password to sign in with; null: nobody does. @default {PASSWORD} */
  readonly password?: string | null;
  /** Messages of the console that are expected, such as those of requests that fail. */
  readonly expected?: RegExp;
  /** The fragment to begin at. @default {"#/overview"} */
  readonly at?: string;
  /** Called before the page is asked for. */
  readonly prepare?: (page: Page) => Promise<void>;
}

/** A page in a browser of its own. Whatever it complains of fails the test when it is closed. */
export interface OpenPage extends AsyncDisposable {
  readonly page: Page;
  /** Goes to a fragment such as `#/members`, and waits for the page's heading. */
  go(fragment: string): Promise<void>;
  /** What axe finds. Nothing may move meanwhile. */
  axe(): Promise<void>;
  /** Requests that the page made, by method and path. */
  readonly requests: readonly string[];
}

/** Real members with a dashboard, and a real browser. */
export class Bench implements AsyncDisposable {
  readonly cluster: TestCluster;
  readonly #browser: Browser;

  private constructor(cluster: TestCluster, browser: Browser) {
    this.cluster = cluster;
    this.#browser = browser;
  }

  /** Starts three members, or as many as are asked for, and a browser. */
  static async start(
    { nodes = 3, environment = {} }: {
      readonly nodes?: number;
      /** More of what the members are told. */
      readonly environment?: Readonly<Record<string, string>>;
    } = {},
  ): Promise<Bench> {
    const cluster = await TestCluster.start({
      nodes,
      environment: {
        HQL_PASSWORD_DASHBOARD: PASSWORD_HASH,
        HQL_PASSWORD_DASHBOARD_VIEWER: await hashPassword(VIEWER_PASSWORD),
        ...environment,
      },
    });
    try {
      return new Bench(cluster, await launchBrowser());
    } catch (error) {
      await cluster[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Where a member serves the page. */
  base(node: Node): string {
    return `${this.cluster.network.apiUrl(node)}/dashboard/`;
  }

  /** Opens a member's page in a context of its own, and signs in. */
  open(options: OpenOptions = {}): Promise<OpenPage> {
    const { base = this.base(options.node ?? 1) } = options;
    return openPage(this.#browser, base, options);
  }

  /** Ends the browser, then the members. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#browser.close();
    await this.cluster[Symbol.asyncDispose]();
  }
}

/** Starts the browser, which draws alike on every machine that has the same fonts. */
export function launchBrowser(): Promise<Browser> {
  return chromium.launch({
    executablePath: CHROMIUM,
    args: [
      "--no-sandbox",
      "--disable-dev-shm-usage",
      "--font-render-hinting=none",
      "--disable-lcd-text",
    ],
  });
}

/** Opens the page below an address in a context of its own, and signs in. */
export async function openPage(
  browser: Browser,
  base: string,
  options: Omit<OpenOptions, "node" | "base"> = {},
): Promise<OpenPage> {
  const { theme = "light", width = 1280, at = "#/overview" } = options;
  const context = await browser.newContext({
    reducedMotion: "reduce",
    colorScheme: theme,
    forcedColors: options.forcedColors === true ? "active" : "none",
    viewport: { width, height: width < 640 ? 844 : 800 },
    locale: "en-GB",
    timezoneId: "UTC",
  });
  context.setDefaultTimeout(WAIT_MS);
  const complaints: string[] = [];
  const requests: string[] = [];
  await context.addInitScript({ content: TELLS_OF_POLICY });
  const page = await context.newPage();
  page.on("console", (message) => {
    if (message.type() !== "error" && message.type() !== "warning") return;
    const text = `${message.text()} ${message.location().url}`;
    if (options.expected?.test(text) === true) return;
    complaints.push(text);
  });
  page.on("pageerror", (error) => complaints.push(`${error.stack}`));
  page.on("request", (request) => {
    requests.push(`${request.method()} ${new URL(request.url()).pathname}`);
  });
  await options.prepare?.(page);
  await page.goto(`${base}${at}`);
  const { password = PASSWORD } = options;
  if (password !== null) await signIn(page, password);
  return {
    page,
    requests,
    go: (fragment) => goTo(page, fragment),
    axe: () => lookWithAxe(page),
    [Symbol.asyncDispose]: async () => {
      await context.close();
      assert.deepEqual(complaints, [], "the page complained");
    },
  };
}

/** Types the password and waits for the frame. */
export async function signIn(page: Page, password: string): Promise<void> {
  await page.getByLabel("Password", { exact: true }).fill(password);
  await page.getByRole("button", { name: "Log in" }).click();
  await page.locator(".frame").waitFor();
}

/** Turns on write mode. */
export async function turnOnWriting(page: Page): Promise<void> {
  await page.getByRole("switch", { name: "Read only" }).click();
  await page.getByRole("switch", { name: "WRITE" }).waitFor();
}

/** Waits until an expression is true in the page. Playwright's own waiting evaluates text, which the policy refuses. */
export async function untilInPage(
  page: Page,
  expression: string,
): Promise<void> {
  await until(expression, () => page.evaluate(expression));
}

/** Waits until it is so. @throws {Error} saying what was waited for. */
export async function until(
  what: string,
  condition: () => Promise<unknown>,
): Promise<void> {
  const deadline = performance.now() + WAIT_MS;
  while (await condition() !== true) {
    assert.ok(performance.now() < deadline, `waited for ${what}`);
    await new Promise((resume) => setTimeout(resume, 50));
  }
}

async function goTo(page: Page, fragment: string): Promise<void> {
  await page.evaluate(`location.hash = ${JSON.stringify(fragment)}`);
  const name = /^#\/(\w+)/.exec(fragment)![1]!;
  await page.locator(`[data-page="${name}"]:not([aria-busy])`).waitFor();
}

async function lookWithAxe(page: Page): Promise<void> {
  await page.evaluate(axe.source);
  const found = await page.evaluate(RUN_AXE);
  assert.deepEqual(found, [], `axe at ${page.url()}`);
}

/** Writes a picture of the page, if somebody wants them. */
export async function picture(page: Page, name: string): Promise<void> {
  const folder = Deno.env.get("HQL_TEST_SCREENSHOTS");
  if (folder === undefined) return;
  await page.screenshot({ path: `${folder}/${name}.png` });
}
