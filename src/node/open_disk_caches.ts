import * as fs from "node:fs";
import { join } from "node:path";
import type { NodeConfig } from "../config/types.ts";
import type { GroupOptions } from "../group/ports.ts";
import { ContradictionError } from "../raft/contradiction.ts";
import { RealDisk } from "../log/real_disk.ts";
import { openSegmentLog } from "../log/segment_log.ts";
import { CacheMachine } from "../state/kv/machine.ts";
import type { KvMachine } from "../state/kv/port.ts";
import { FileSpace } from "../state/kv/snapshot/files.ts";
import { SqliteStores } from "../state/kv/sqlite/stores.ts";
import { isDamage } from "./damage.ts";
import { CACHE, CACHE_GROUP, type CacheSpec } from "./groups/spec.ts";
import { durabilityOf, groupOptions, segmentBytesOf } from "./volume/boot.ts";
import type { DiskHousing } from "./volume/home.ts";
import type { GroupStorage } from "./volume/vault.ts";

/** Bytes that the log keeps: an entry may have a quarter of a megabyte. */
const RETAINED_BYTES = 256 * 1024 * 1024;

/** The caches' group on the disk: a restart goes on with what is there, and loads nothing. */
export class DiskCaches implements CacheSpec {
  readonly id = CACHE_GROUP;
  readonly name = CACHE;
  readonly options: GroupOptions;
  readonly housing: DiskHousing;
  #machine: CacheMachine | null = null;

  /** `level` is the feature level that this release knows. */
  constructor(config: NodeConfig, level: number) {
    const { cacheLogSync, tickMs } = config;
    this.options = {
      ...groupOptions(config),
      durability: durabilityOf(cacheLogSync, tickMs),
      retainBytes: RETAINED_BYTES,
    };
    const segmentBytes = segmentBytesOf(config);
    this.housing = {
      kind: "disk",
      open: (dir) => this.#open(dir, segmentBytes, level),
      isDamage: (error): error is Error =>
        isDamage(error) || error instanceof ContradictionError,
    };
  }

  get machine(): KvMachine | null {
    return this.#machine;
  }

  #open(
    dir: string,
    segmentBytes: number,
    level: number,
  ): GroupStorage {
    const logs = join(dir, "logs");
    fs.mkdirSync(logs, { recursive: true, mode: 0o700 });
    const disk = new RealDisk(logs);
    const { log, recovery: logRecovery } = openSegmentLog(disk, {
      segmentBytes,
    });
    try {
      const stores = new SqliteStores(join(dir, "state"));
      const machine = new CacheMachine({
        store: stores.store,
        stores,
        space: new FileSpace(join(dir, "snapshots")),
        commands: { level },
      });
      this.#machine = machine;
      const release = async (): Promise<void> => {
        await new Promise<void>((resolve) => machine.close(resolve));
        await stores.idle();
        log.close();
        await disk.idle();
      };
      return { log, logRecovery, machine, state: machine.recovery, release };
    } catch (error) {
      log.close();
      throw error;
    }
  }
}
