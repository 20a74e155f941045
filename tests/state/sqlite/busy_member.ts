import { childrenOf } from "./children.ts";
import { command, execute, Subject } from "./subject.ts";

// A process whose writer runs a statement without an end; prints the writer's id.
const subject = await Subject.open({ dir: Deno.args[0]!, writer: "process" });
await subject.execute("CREATE TABLE t (a)");
const [writer] = childrenOf(Deno.pid, "writer");
const endless = execute(
  "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x FROM c) INSERT INTO t SELECT 1 FROM c WHERE x = 2",
);
const applying = subject.applyEntries(subject.entries([command(endless)]));
await Deno.stdout.write(new TextEncoder().encode(`${writer!.pid}\n`));
await applying;
