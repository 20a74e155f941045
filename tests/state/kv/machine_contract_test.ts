import { NO_CONFIGURATION, ZERO_LOG_ID } from "../../../src/raft/types.ts";
import { CacheMachine } from "../../../src/state/kv/machine.ts";
import {
  MemoryKvStore,
  memoryStores,
} from "../../../src/state/kv/memory/store.ts";
import { MEMORY_SPACE } from "../../../src/state/kv/snapshot/bytes.ts";
import { machineContract } from "../machine_contract.ts";
import { ADDING } from "./adding.ts";

machineContract({
  name: "CacheMachine in memory",
  ...ADDING,
  open: () =>
    Promise.resolve({
      machine: new CacheMachine({
        store: new MemoryKvStore(),
        stores: memoryStores(),
        space: MEMORY_SPACE,
      }),
      recovery: { applied: ZERO_LOG_ID, config: NO_CONFIGURATION },
      remove: () => Promise.resolve(),
    }),
});
