import { MemoryLog } from "../../src/log/memory_log.ts";
import { RealDisk } from "../../src/log/real_disk.ts";
import { openSegmentLog } from "../../src/log/segment_log.ts";
import { type Subject, testContract } from "./contract.ts";
import { FaultDisk } from "./fault_disk.ts";

function memorySubject(log: MemoryLog): Subject {
  return {
    log,
    recovery: log.recovery,
    crash: () => Promise.resolve(memorySubject(log.crash())),
    end: () => Promise.resolve(),
  };
}

testContract(
  "MemoryLog",
  () => Promise.resolve(memorySubject(new MemoryLog({ crashable: true }))),
  { losesUnsynced: true },
);

const SMALL = { segmentBytes: 8192, cacheBytes: 1 << 20 };

function realSubject(path: string): Subject {
  const disk = new RealDisk(path);
  const { log, recovery } = openSegmentLog(disk, SMALL);
  const close = async (): Promise<void> => {
    log.close();
    await disk.idle();
  };
  return {
    log,
    recovery,
    crash: async () => {
      await close();
      return realSubject(path);
    },
    end: async () => {
      await close();
      await Deno.remove(path, { recursive: true });
    },
  };
}

testContract(
  "SegmentLog on a file system",
  async () => realSubject(await Deno.makeTempDir()),
  { losesUnsynced: false },
);

function faultSubject(disk: FaultDisk): Subject {
  disk.defer = queueMicrotask;
  const { log, recovery } = openSegmentLog(disk, SMALL);
  return {
    log,
    recovery,
    crash: () => {
      const left = disk.crash(disk.length, () => false);
      return Promise.resolve(faultSubject(left));
    },
    end: () => Promise.resolve(),
  };
}

testContract(
  "SegmentLog on a disk that loses unsynced writes",
  () => Promise.resolve(faultSubject(new FaultDisk())),
  { losesUnsynced: true },
);
