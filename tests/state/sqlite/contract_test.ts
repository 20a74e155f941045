import assert from "node:assert/strict";
import { openSqliteMachine } from "../../../src/state/sqlite/open_machine.ts";
import type { SqliteMachineOptions } from "../../../src/state/sqlite/options.ts";
import { silentLogger } from "../../../src/util/logger.ts";
import { machineContract, type OpenMachine } from "../machine_contract.ts";
import { DRIVERS, titled } from "./drivers.ts";
import { answered, command, execute } from "./subject.ts";

for (const driver of DRIVERS) {
  if (driver.obstacle !== "") continue;
  machineContract({
    name: titled("SqliteMachine", driver),
    setup: [
      command(execute("CREATE TABLE counter (n INTEGER)")),
      command(execute("INSERT INTO counter VALUES (0)")),
    ],
    add: (n) =>
      command(execute("UPDATE counter SET n = n + ? RETURNING n", [n])),
    sumIn(answer) {
      const { result } = answered(answer);
      assert.ok(result.ok);
      return result.results[0]!.rows[0]![0] as number;
    },
    eventsPerAdd: 1,
    async open() {
      const dir = await Deno.makeTempDir({ prefix: "hql-contract-" });
      return await opened({
        dir,
        filename: "contract.db",
        readPoolSize: 1,
        driver: driver.spec,
        logger: silentLogger,
      });
    },
  });
}

async function opened(options: SqliteMachineOptions): Promise<OpenMachine> {
  return {
    ...await openSqliteMachine(options),
    reopen: () => opened(options),
    remove: () => Deno.remove(options.dir, { recursive: true }),
  };
}
