import { connect, type FencedWriteOptions } from "../../src/client/remote.ts";
import { HiqliteError } from "../../src/errors.ts";
import { ADD, TTL_MS } from "./workloads/guarded_set.ts";

/** Adds to a set under its lock, and waits for a line between its look and its write: there it can be stopped. */
const [url, secret, name, value, fenced] = Deno.args as [
  string,
  string,
  string,
  string,
  string,
];

// deno-lint-ignore no-console -- its parent reads it
const say = console.log;

await using db = connect({ urls: [url], secret });
const lock = await db.lock(name, { ttlMs: TTL_MS, waitMs: 10_000 });
const [found] = await db.query<{ elements: string }>(
  "SELECT elements FROM guarded_sets WHERE name = ?",
  [name],
  { consistency: "linearizable" },
);
say("read");
await Deno.stdin.read(new Uint8Array(1));
const elements = JSON.parse(found?.elements ?? "[]");
const options: FencedWriteOptions = fenced === "true" ? { fence: lock } : {};
try {
  const all = JSON.stringify([...elements, Number(value)]);
  await db.execute(ADD, [name, all], options);
  say("written");
} catch (error) {
  if (!(error instanceof HiqliteError)) throw error;
  say(error.code);
}
await lock.release().catch(() => {});
