import assert from "node:assert/strict";
import type { Page } from "playwright-core";
import {
  Bench,
  picture,
  turnOnWriting,
  until,
  untilInPage,
  WAIT_MS,
} from "./bench.ts";
import { rowsOf } from "./tables.ts";
import type { TestCluster } from "../cluster/harness.ts";
import type { Node } from "../cluster/network.ts";

Deno.test("members that are lost and come back", async (test) => {
  await using bench = await Bench.start();
  const { cluster } = bench;

  await test.step("§7.4 a follower that stands still lags in words, and catches up", async () => {
    const { leader, one } = await rolesOf(cluster);
    await using opened = await bench.open({ node: leader });
    const { page } = opened;
    await rowOf(page, one).getByText("Follower").waitFor();
    cluster.process(one)!.pause();
    try {
      await rowOf(page, one).getByText(/Not reachable/).waitFor();
      for (let written = 0; written < 200; written += 20) {
        await Promise.all(
          Array.from(
            { length: 20 },
            () => cluster.write(leader, "CREATE TABLE IF NOT EXISTS t (id)"),
          ),
        );
      }
      // They may share entries of the log.
      await lagIs(page, one, "> 9");
      await picture(page, "overview-lagging");
    } finally {
      cluster.process(one)!.resume();
    }
    await rowOf(page, one).getByText("Follower").waitFor();
    await lagIs(page, one, "=== 0");
  });

  await test.step("§7.3 kill -9 of the leader: every page shows the new one, the lost one and why", async () => {
    const { leader, one, two } = await rolesOf(cluster);
    await using onOne = await bench.open({ node: one });
    await using onTwo = await bench.open({ node: two });
    await using onLeader = await bench.open({
      node: leader,
      expected:
        /ERR_CONNECTION_REFUSED|ERR_CONNECTION_RESET|ERR_EMPTY_RESPONSE|Failed to fetch/,
    });
    for (const { page } of [onOne, onTwo, onLeader]) {
      await rowOf(page, leader).getByText("Leader").waitFor();
    }
    const applied = await rowOf(onLeader.page, leader).innerText();
    await cluster.killMember(leader);
    for (const { page } of [onOne, onTwo]) {
      await rowOf(page, leader).getByText(/Not reachable/).waitFor();
      await page.locator(".table").getByText("Leader", { exact: true })
        .waitFor();
      await page.locator(".events").getByText("Leader", { exact: true }).first()
        .waitFor();
      await rowOf(page, leader).getByRole("button", { name: "Why?" }).click();
      await page.getByText("Last seen at").waitFor();
      await picture(page, "overview-why");
      await page.keyboard.press("Escape");
    }
    const { page } = onLeader;
    await page.getByText(`n${leader} does not answer.`).waitFor();
    assert.ok(applied.length > 10);
    await rowOf(page, leader).waitFor();
    await picture(page, "overview-member-lost");
    const series = (): number =>
      onLeader.requests.filter((each) => each.endsWith("/series")).length;
    const before = series();
    await cluster.startMember(leader);
    await cluster.waitReady([leader]);
    await page.getByText(`n${leader} does not answer.`).waitFor({
      state: "detached",
      timeout: WAIT_MS,
    });
    // What the charts missed meanwhile is asked for, and no error stays.
    await until(
      "the series to be asked for",
      () => Promise.resolve(series() > before),
    );
    await page.locator(".problem").waitFor({ state: "detached" });
  });

  await test.step("§7.22 kill -9 of the leader during Apply: it is said that nobody knows, and the same attempt is written once", async () => {
    await lostDuringApply(bench);
  });
});

/** Who leads now, and who follows. */
async function rolesOf(cluster: TestCluster) {
  const leader = await cluster.waitLeader();
  const followers = cluster.nodes.filter((node) => node !== leader);
  const [one, two] = followers as [Node, Node];
  return { leader, one, two };
}

/** The page is the leader's own: it has the change in its log, and nobody else has said so. */
async function lostDuringApply(bench: Bench): Promise<void> {
  const { cluster } = bench;
  for (const sql of COUNTER) await cluster.write(1, sql);
  const leader = await cluster.waitLeader();
  await using opened = await bench.open({
    node: leader,
    at: "#/data/counter",
    expected: /ERR_|Failed to fetch/,
  });
  const { page } = opened;
  const keys: (string | undefined)[] = [];
  page.on("request", (request) => {
    if (!request.url().endsWith("/sql/write")) return;
    keys.push(request.headers()["idempotency-key"]);
  });
  await page.locator('[data-cell="0:0"]').dblclick();
  await turnOnWriting(page);
  await page.locator('[data-column="n"] textarea').fill("1");
  await page.keyboard.press("Control+s");
  const dialog = page.getByRole("dialog");
  const others = cluster.nodes.filter((node) => node !== leader)
    .map((node) => cluster.process(node)!);
  for (const other of others) other.pause();
  try {
    await dialog.getByRole("button", { name: "Apply" }).click();
    await until("the change in the leader's log", async () => {
      const answer = await cluster.api(leader).cluster(WAIT_MS);
      if (answer.type !== "ok") return false;
      const { last_index: last, commit_index: committed } = answer.value;
      return Number(last) > Number(committed);
    });
    await cluster.killMember(leader);
  } finally {
    for (const other of others) other.resume();
  }
  await dialog.getByText("It is not known whether this was done").waitFor();
  await picture(page, "data-outcome-unknown");
  await cluster.startMember(leader);
  await cluster.waitReady();
  await dialog.getByRole("button", { name: "Check again" }).click();
  await dialog.waitFor({ state: "detached" });
  assert.equal(keys.length, 2);
  assert.equal(keys[0], keys[1]);
  assert.deepEqual(
    await rowsOf(bench, "SELECT n, changes FROM counter"),
    [[1, 1]],
  );
}

/** It counts how often a change was applied. */
const COUNTER = [
  "CREATE TABLE counter (id INTEGER PRIMARY KEY, n INTEGER, changes INTEGER NOT NULL DEFAULT 0)",
  "CREATE TRIGGER counter_counts AFTER UPDATE OF n ON counter BEGIN UPDATE counter SET changes = changes + 1 WHERE id = new.id; END",
  "INSERT INTO counter (n) VALUES (0)",
];

function rowOf(page: Page, node: Node) {
  return page.locator(`[data-row="n${node}"]`);
}

/** Waits until the member's lag, as the page tells it, is so. */
async function lagIs(page: Page, node: Node, condition: string): Promise<void> {
  await untilInPage(
    page,
    `Number(document.querySelector('[data-row="n${node}"] [data-lag]')
      .textContent.replaceAll(",", "")) ${condition}`,
  );
}
