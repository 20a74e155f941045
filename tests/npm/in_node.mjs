// deno-lint-ignore-file no-console -- this is a program; its output is its purpose
// Run by Node, in a folder where the package is installed: each line it prints is looked at by npm_test.ts.
import { connect, HiqliteError } from "@hiqlite/hiqlite/client";
import * as whole from "@hiqlite/hiqlite";

const { urls, secret, tls } = JSON.parse(process.argv[2]);
const say = (what, value) => console.log(`${what} ${JSON.stringify(value)}`);

const db = connect({ urls, secret });
await db.execute("CREATE TABLE note (id INTEGER PRIMARY KEY, text, big)");
const { lastInsertRowid } = await db.execute(
  "INSERT INTO note (text, big) VALUES (?, ?)",
  ["hello", 9007199254740993n],
);
say("written", lastInsertRowid);
const [{ text, big }] = await db.query("SELECT text, big FROM note");
say("read", [text, `${big}`]);
const numbers =
  "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c LIMIT 20000) SELECT x FROM c";
let sum = 0;
for await (const { x } of db.iterate(numbers)) sum += x;
for await (const _ of db.iterate(numbers)) break;
say("streamed", sum);
const heard = db.listen({ topics: ["told"], since: "oldest" })
  [Symbol.asyncIterator]();
await db.notify("told", { from: "node" });
for (;;) {
  const { value } = await heard.next();
  if (value.kind !== "event") continue;
  say("heard", value.data);
  break;
}
await heard.return();
try {
  await db.query("SELECT * FROM nothing");
} catch (error) {
  say("failed", [error instanceof HiqliteError, error.code]);
}
say("same", whole.connect === connect);

// The test kills the leader when it reads this, and says so.
say("kill", null);
await new Promise((resolve) => process.stdin.once("data", resolve));
process.stdin.destroy();
await db.execute("INSERT INTO note (text) VALUES ('after the leader')");
say("survived", await db.query("SELECT count(*) AS n FROM note"));
await db.shutdown();

for (const ca of [undefined, tls.ca]) {
  const secure = connect({ urls: [tls.url], secret: tls.secret, ca });
  say("verified", await secure.query("SELECT 1 AS one"));
  await secure.shutdown();
}
const doubtful = connect({
  urls: [tls.url],
  secret: "another-secret-0123456789",
});
try {
  await doubtful.query("SELECT 1");
} catch (error) {
  say("refused", [error.code, /not believed/.test(error.message)]);
}
await doubtful.shutdown();
