// deno-lint-ignore-file no-console -- this is a program; its output is its purpose
import { open } from "../../mod.ts";

const SECRET = "the-secret-of-three-embedders";
const MANY =
  "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c LIMIT 10000) SELECT x FROM c";

// One of three programs that embed the package: says what it sees of the others, and ends when it is told to.
const [self = "", dataDir = "", passwordDashboard = "", ...ports] = Deno.args;
const nodes = [1, 2, 3].map((id) => ({
  id,
  raft: `127.0.0.1:${ports[id - 1]}`,
  api: `127.0.0.1:${ports[id + 2]}`,
}));
const nodeId = Number(self);
const db = await open({
  nodeId,
  nodes,
  dataDir,
  passwordDashboard,
  secretApi: SECRET,
  secretRaft: SECRET,
  readPoolSize: 1,
});

async function post(api: string, path: string, body: unknown): Promise<void> {
  const response = await fetch(`http://${api}${path}`, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      "x-api-secret": SECRET,
      origin: `http://${api}`, // as the page of the dashboard has it
    },
    body: JSON.stringify(body),
  });
  console.log(path, response.status, (await response.text()).slice(0, 200));
}

const cache = db.cache<number>("seen");
await cache.put(self, nodeId);
await db.execute("CREATE TABLE IF NOT EXISTS seen (id INTEGER PRIMARY KEY)");
await db.execute("INSERT INTO seen VALUES (?)", [nodeId]);
for await (const { rows } of db.live("SELECT id FROM seen ORDER BY id")) {
  if (rows.length < nodes.length) continue;
  console.log("seen", JSON.stringify(rows));
  break;
}
const next = nodes[nodeId % nodes.length]!;
const consistency = "linearizable";
console.log(
  "cache",
  await cache.get(`${next.id}`, { consistency }) === next.id,
);
let rows = 0;
for await (const _ of db.iterate(MANY)) rows++;
console.log("iterate", rows);
await post(next.api, "/api/v1/query", { sql: "SELECT count(*) FROM seen" });
await post(nodes[nodeId - 1]!.api, "/dashboard/api/session", {
  password: "of the dashboard",
});
console.log("ready to end");
for await (const _ of Deno.stdin.readable); // the one who started it closes it
await db.shutdown();
console.log("end");
