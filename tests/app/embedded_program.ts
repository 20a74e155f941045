// deno-lint-ignore-file no-console -- this is a program; its output is its purpose
import { setTimeout as sleep } from "node:timers/promises";
import { HiqliteError, open } from "../../mod.ts";

const ENDLESS =
  "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT max(x) FROM c";

/** Says how a query ended. */
async function say(query: Promise<unknown>): Promise<void> {
  try {
    console.log("ok", JSON.stringify(await query));
  } catch (error) {
    console.log(error instanceof HiqliteError ? error.code : String(error));
  }
}

// A program of somebody who embeds the package: writes, reads, meets queries without an end, and ends by itself.
const [dataDir = "", raft = "", api = ""] = Deno.args;
const nodes = [
  { id: 1, raft: `127.0.0.1:${raft}`, api: `127.0.0.1:${api}` },
];
const secretApi = "the-secret-of-an-embedder";
const db = await open({ dataDir, nodes, secretApi, secretRaft: secretApi });
await db.execute("CREATE TABLE IF NOT EXISTS t (a)");
await say(db.execute("INSERT INTO t VALUES (1)").then(() => "written"));
for (let i = 0; i < 3; i++) {
  await say(db.query(ENDLESS, [], { timeoutMs: 200 }));
}
await say(db.query(ENDLESS, [], { signal: AbortSignal.timeout(200) }));
await sleep(1500);
await say(db.query("SELECT count(*) AS n FROM t"));
await say(db.query("SELECT hex(zeroblob(300000000)) AS x"));
const response = await fetch(`http://127.0.0.1:${api}/api/v1/query`, {
  method: "POST",
  headers: { "content-type": "application/json", "x-api-secret": secretApi },
  body: JSON.stringify({ sql: "SELECT 1 AS one" }),
});
console.log("http", response.status, (await response.text()).slice(0, 200));
await db.shutdown();
console.log("end");
