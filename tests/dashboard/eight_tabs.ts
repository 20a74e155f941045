// deno-lint-ignore-file no-console -- this is a program; its output is its purpose
/**
 * Eight tabs of one browser, each on another page, left alone for ten minutes: what they ask for, what they and the
 * members need, and whether it grows. `deno run -A tests/dashboard/eight_tabs.ts [seconds]`, after
 * `deno task dashboard:build`. It fails over the specification's limits.
 */
import type { BrowserContext, CDPSession, Page } from "playwright-core";
import { setTimeout as sleep } from "node:timers/promises";
import { PAGES } from "../../dashboard/pages.ts";
import { cpuOf, memoryOf } from "../state/sqlite/children.ts";
import { Bench, untilInPage } from "./bench.ts";
import { shopOf } from "./tables.ts";

/** At most so often a visible tab asks, each second. */
const REQUESTS_MAX = 1;
/** At most so much more a tab may hold at the end, bytes. */
const GROWTH_MAX = 10_000_000;
/** At most so much of a processor the polls may cost a member. */
const CPU_MAX = 0.02;

/** Where some pages begin, so that they have something to show. */
const BEGIN: Readonly<Record<string, string>> = {
  data: "#/data/customer",
  schema: "#/schema/purchase",
  events: "#/events/notify",
};

/** A tab, with what is counted of it. */
interface Tab {
  readonly name: string;
  readonly page: Page;
  readonly inspector: CDPSession;
  /** Since it was counted last. */
  asked: number;
}

/** What a tab or a member needs at a moment. */
interface Sample {
  readonly heaps: readonly number[];
  readonly nodes: readonly number[];
  /** Of each member, MiB. */
  readonly members: readonly number[];
}

Deno.exitCode = await main(Number(Deno.args[0] ?? 600));

async function main(seconds: number): Promise<number> {
  await using bench = await Bench.start();
  await shopOf(bench);
  const quiet = await cpuDuring(bench, seconds / 5);
  await using opened = await bench.open();
  const tabs = await openTabs(opened.page.context(), bench.base(1));
  await opened.page.close();
  // What is compiled and kept at first is no leak.
  await sleep(Math.min(60, seconds / 5) * 1000);
  const before = await sampleOf(bench, tabs);
  for (const tab of tabs) tab.asked = 0;
  const busy = await cpuDuring(bench, seconds);
  const asked = tabs.map((tab) => tab.asked / seconds);
  const after = await sampleOf(bench, tabs);
  await allUpdate(bench, tabs);
  return told(tabs, asked, before, after, busy - quiet);
}

async function openTabs(
  context: BrowserContext,
  base: string,
): Promise<Tab[]> {
  const names = PAGES.map(({ name }) => name)
    .filter((name) => name !== "settings");
  return await Promise.all(names.map(async (name) => {
    const page = await context.newPage();
    const inspector = await context.newCDPSession(page);
    await inspector.send("Performance.enable");
    const tab = { name, page, inspector, asked: 0 };
    page.on("request", (request) => {
      if (request.url().includes("/api/")) tab.asked++;
    });
    await page.goto(`${base}${BEGIN[name] ?? `#/${name}`}`);
    await page.locator(`[data-page="${name}"]:not([aria-busy])`).waitFor();
    return tab;
  }));
}

/** The share of a processor that the first member needs meanwhile. */
async function cpuDuring(bench: Bench, seconds: number): Promise<number> {
  const { pid } = bench.cluster.process(1)!;
  const began = performance.now();
  const before = cpuOf(pid);
  await sleep(seconds * 1000);
  return (cpuOf(pid) - before) / ((performance.now() - began) / 10);
}

async function sampleOf(bench: Bench, tabs: readonly Tab[]): Promise<Sample> {
  const heaps: number[] = [];
  const nodes: number[] = [];
  for (const { inspector } of tabs) {
    await inspector.send("HeapProfiler.collectGarbage");
    const { metrics } = await inspector.send("Performance.getMetrics");
    const valueOf = (name: string): number =>
      metrics.find((metric) => metric.name === name)!.value;
    heaps.push(valueOf("JSHeapUsedSize"));
    nodes.push(valueOf("Nodes"));
  }
  const members = bench.cluster.nodes.map((node) =>
    memoryOf(bench.cluster.process(node)!.pid, "VmRSS")
  );
  return { heaps, nodes, members };
}

/** A tab that has stopped would need nothing at all. */
async function allUpdate(bench: Bench, tabs: readonly Tab[]): Promise<void> {
  await bench.cluster.write(1, "CREATE TABLE seen (id)");
  for (const tab of tabs) {
    const { asked } = tab;
    await untilInPage(
      tab.page,
      "document.querySelector('.health.ok') !== null",
    );
    while (tab.asked === asked) await sleep(100);
  }
}

/** Prints a table; answers 1 if a limit was broken. */
function told(
  tabs: readonly Tab[],
  asked: readonly number[],
  before: Sample,
  after: Sample,
  cpu: number,
): number {
  const growth = after.heaps.map((heap, at) => heap - before.heaps[at]!);
  console.table(tabs.map(({ name }, at) => ({
    page: name,
    "requests/s": asked[at]!.toFixed(2),
    "heap MB": (after.heaps[at]! / 1e6).toFixed(1),
    "grown MB": (growth[at]! / 1e6).toFixed(2),
    nodes: `${before.nodes[at]} → ${after.nodes[at]}`,
  })));
  console.log(
    `members, MiB: ${before.members.join(", ")} → ${after.members.join(", ")}`,
  );
  console.log(`member 1, CPU of the polls: ${(cpu * 100).toFixed(1)} %`);
  const broken = [
    ...asked.filter((rate) => rate > REQUESTS_MAX).map(() => "requests"),
    ...growth.filter((bytes) => bytes > GROWTH_MAX).map(() => "heap"),
    ...(cpu > CPU_MAX ? ["cpu"] : []),
  ];
  if (broken.length > 0) console.log(`over its limit: ${broken.join(", ")}`);
  return broken.length === 0 ? 0 : 1;
}
