import { join } from "node:path";
import { CacheMachine } from "../../../../src/state/kv/machine.ts";
import { FileSpace } from "../../../../src/state/kv/snapshot/files.ts";
import { SqliteStores } from "../../../../src/state/kv/sqlite/stores.ts";
import { machineContract, type OpenMachine } from "../../machine_contract.ts";
import { ADDING } from "../adding.ts";

function openIn(dir: string): OpenMachine {
  const stores = new SqliteStores(join(dir, "state"));
  const space = new FileSpace(join(dir, "snapshots"));
  const machine = new CacheMachine({ store: stores.store, stores, space });
  return {
    machine,
    recovery: machine.recovery,
    reopen: async () => {
      await stores.idle();
      return openIn(dir);
    },
    remove: async () => {
      await stores.idle();
      await Deno.remove(dir, { recursive: true });
    },
  };
}

machineContract({
  name: "CacheMachine on the disk",
  ...ADDING,
  open: async () =>
    openIn(await Deno.makeTempDir({ prefix: "hiqlite-caches-" })),
});
