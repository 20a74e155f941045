import { EntryKind } from "../../../src/raft/types.ts";
import { openSqliteMachine } from "../../../src/state/sqlite/open_machine.ts";
import { silentLogger } from "../../../src/util/logger.ts";
import { command, execute } from "./subject.ts";

/** Applies entries as fast as it can until it is killed; prints a line when it has begun. */
const { machine } = await openSqliteMachine({
  dir: Deno.args[0]!,
  filename: "test.db",
  readPoolSize: 1,
  driver: JSON.parse(Deno.args[1]!),
  logger: silentLogger,
});

function applyNext(): void {
  const first = machine.applied.index + 1;
  const entries = Array.from({ length: 20 }, (_, i) => ({
    index: first + i,
    term: 1,
    kind: EntryKind.command,
    payload: command(
      execute("INSERT INTO t (entry) VALUES (?)", [first + i]),
    ),
  }));
  machine.apply(entries, true, (error) => {
    if (error !== null) throw error;
    if (first % 1000 < 20) {
      Deno.stdout.writeSync(new TextEncoder().encode(`${first}\n`));
    }
    applyNext();
  });
}

applyNext();
