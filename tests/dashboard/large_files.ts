import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { forgetPeak, memoryOf } from "../state/sqlite/children.ts";
import { type Bench, turnOnWriting, WAIT_MS } from "./bench.ts";
import { rowsOf } from "./tables.ts";

/** What a member may need for an export, however large it is, MiB. */
const EXPORT_MIB = 100;

/** Exports the table `big`. Every write meanwhile moves a row from its beginning to its end. */
export async function exportedMillion(
  bench: Bench,
  least: number,
): Promise<void> {
  await using open = await bench.open({ at: "#/data" });
  const { page } = open;
  await open.go("#/data/big");
  await page.getByRole("button", { name: "Export" }).click();
  const [[count]] = await rowsOf(bench, "SELECT count(*) FROM big") as [
    [number],
  ];
  assert.ok(count > least - 1000, `${count} rows`);
  const { pid } = bench.cluster.process(1)!;
  const stop = new AbortController();
  forgetPeak(pid);
  const before = memoryOf(pid, "VmRSS");
  const anonymous = memoryOf(pid, "RssAnon");
  const moving = moveAround(bench, stop.signal);
  const [download] = await Promise.all([
    page.waitForEvent("download", { timeout: 5 * WAIT_MS }),
    page.getByRole("dialog").getByRole("button", { name: "Export" }).click(),
  ]);
  const path = (await download.path())!;
  const grown = memoryOf(pid, "VmHWM") - before;
  const kept = memoryOf(pid, "VmRSS") - before;
  const own = memoryOf(pid, "RssAnon") - anonymous;
  stop.abort();
  assert.ok(await moving > 0, "nobody wrote meanwhile");
  assert.ok(
    grown < EXPORT_MIB,
    `the member needed ${grown} MiB more than ${before}; afterwards ${kept}, of which ${own} are no file's`,
  );
  const { lines, ids } = await firstFields(path);
  // The first line has the names.
  assert.equal(lines - 1, count);
  assert.equal(ids.size, count);
}

/** Writes until it is told to stop; answers how often. */
async function moveAround(bench: Bench, signal: AbortSignal): Promise<number> {
  let writes = 0;
  while (!signal.aborted) {
    const answer = await bench.cluster.api(2).txn([
      { sql: "DELETE FROM big WHERE id = (SELECT min(id) FROM big)" },
      { sql: "INSERT INTO big (id) SELECT max(id) + 1 FROM big" },
    ], { timeoutMs: WAIT_MS });
    if (answer.type !== "ok") throw new Error(JSON.stringify(answer));
    writes++;
  }
  return writes;
}

/** The lines of a file without line ends in its fields, and what its lines but the first begin with. */
async function firstFields(
  path: string,
): Promise<{ readonly lines: number; readonly ids: ReadonlySet<string> }> {
  const ids = new Set<string>();
  const lines = (await Deno.readTextFile(path)).trimEnd().split(/\r?\n/);
  for (const line of lines.slice(1)) ids.add(line.slice(0, line.indexOf(",")));
  return { lines: lines.length, ids };
}

const IMPORTED = 100_000;

/** What is wrong in the file, by its lines; the first one has the names. */
const BAD: ReadonlyMap<number, string> = new Map([
  [2_001, '7,"there is one of this number"'],
  [50_000, "50000,"],
  [100_001, '100000,"one","too many"'],
]);

/** Three of 100,000 rows are refused, and only these. */
export async function importedMany(bench: Bench): Promise<void> {
  await bench.cluster.write(
    1,
    "CREATE TABLE many (id INTEGER PRIMARY KEY, name TEXT NOT NULL)",
  );
  const lines = ["id,name"];
  for (let id = 1; id <= IMPORTED; id++) {
    lines.push(BAD.get(id + 1) ?? `${id},"Name ${id}"`);
  }
  await using open = await bench.open({ at: "#/data" });
  const { page } = open;
  await open.go("#/data/many");
  await turnOnWriting(page);
  await page.getByRole("button", { name: "Import" }).click();
  await page.locator("input[type=file]").setInputFiles({
    name: "many.csv",
    mimeType: "text/csv",
    buffer: Buffer.from(`${lines.join("\n")}\n`),
  });
  const dialog = page.getByRole("dialog");
  await dialog.getByRole("button", { name: "Import" }).click();
  await dialog.getByText("99,997 rows inserted").waitFor({
    timeout: 5 * WAIT_MS,
  });
  const bad = await dialog.locator(".bad li").allTextContents();
  assert.deepEqual(
    bad.map((text) => Number(/\d+/.exec(text.replaceAll(",", ""))![0])),
    [...BAD.keys()],
  );
  assert.deepEqual(
    await rowsOf(bench, "SELECT count(*), sum(id) FROM many"),
    [[IMPORTED - 3, IMPORTED * (IMPORTED + 1) / 2 - 2_000 - 49_999 - 100_000]],
  );
}
