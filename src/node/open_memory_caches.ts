import type { NodeConfig } from "../config/types.ts";
import type { GroupOptions } from "../group/ports.ts";
import { MemoryLog } from "../log/memory_log.ts";
import { CacheMachine } from "../state/kv/machine.ts";
import { drawSeed } from "../state/kv/memory/key_hash.ts";
import { MemoryKvStore, memoryStores } from "../state/kv/memory/store.ts";
import type { KvMachine } from "../state/kv/port.ts";
import { MEMORY_SPACE } from "../state/kv/snapshot/bytes.ts";
import { SystemRandom } from "../util/random.ts";
import { CACHE, CACHE_GROUP, type CacheSpec } from "./groups/spec.ts";
import { groupOptions } from "./volume/boot.ts";
import type { MemoryHousing } from "./volume/home.ts";
import type { GroupStorage } from "./volume/vault.ts";

/** Entries that the log keeps behind a checkpoint, and their bytes: it is all in memory. */
const RETAINED = 512;
const RETAINED_BYTES = 32 * 1024 * 1024;

/** The caches' group in memory: a restart forgets all of it, and nothing waits for a disk. */
export class MemoryCaches implements CacheSpec {
  readonly id = CACHE_GROUP;
  readonly name = CACHE;
  readonly options: GroupOptions;
  readonly housing: MemoryHousing;
  #machine: CacheMachine | null = null;

  /** `level` is the feature level that this release knows. */
  constructor(config: NodeConfig, level: number) {
    this.options = {
      ...groupOptions(config),
      durability: { mode: "immediate" },
      retainEntries: RETAINED,
      retainBytes: RETAINED_BYTES,
      checkpointEntries: RETAINED,
    };
    this.housing = { kind: "memory", open: () => this.#open(level) };
  }

  get machine(): KvMachine | null {
    return this.#machine;
  }

  #open(level: number): GroupStorage {
    const log = new MemoryLog();
    const seed = drawSeed(new SystemRandom());
    const machine = new CacheMachine({
      store: new MemoryKvStore(seed),
      stores: memoryStores(seed),
      space: MEMORY_SPACE,
      commands: { level },
    });
    this.#machine = machine;
    return {
      log,
      logRecovery: log.recovery,
      machine,
      state: machine.recovery,
      release: async () => {
        await new Promise<void>((resolve) => machine.close(resolve));
        log.close();
      },
    };
  }
}
