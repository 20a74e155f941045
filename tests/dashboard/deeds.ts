import assert from "node:assert/strict";
import { connect } from "../../src/client/remote.ts";
import { SECRET_API } from "../cluster/harness.ts";
import { type Bench, turnOnWriting, until } from "./bench.ts";

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
