// deno-lint-ignore-file no-console -- this is a program; its output is its purpose
/**
 * Writes 160 different statements of 0.9 MiB, and prints by how many bytes this
 * process grew: in a process of its own, since other tests run in that of a test.
 */
import { Direct } from "./direct.ts";

using member = new Direct();
member.ok("CREATE TABLE t (x)");
const text = "x".repeat(0.9 * 1024 * 1024);
const before = Deno.memoryUsage().rss;
for (let i = 0; i < 160; i++) {
  member.ok(`INSERT INTO t SELECT ${i} WHERE '${text}' IS NULL`);
}
console.log(Deno.memoryUsage().rss - before);
