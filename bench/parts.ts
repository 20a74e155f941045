import * as fs from "node:fs";
import { join } from "node:path";
import { RealDisk } from "../src/log/real_disk.ts";
import { openSegmentLog } from "../src/log/segment_log.ts";
import { type Entry, EntryKind } from "../src/raft/types.ts";
import {
  NO_IDENTITY,
  stampEnvelope,
  writeEnvelope,
} from "../src/state/envelope.ts";
import { writeCommand } from "../src/state/sql/command.ts";
import { encodeShared } from "../src/util/bytes.ts";
import { openSqliteMachine } from "../src/state/sqlite/open_machine.ts";
import type { StateMachine } from "../src/state/port.ts";
import type { CommandBody } from "../src/state/sql/types.ts";
import { silentLogger } from "../src/util/logger.ts";
import { type CacheApplyTiming, measureCacheApply } from "./cache_apply.ts";
import type { Child } from "./child.ts";
import { drive, driveSync, type Timing } from "./load.ts";
import { CREATE, insert } from "./workload.ts";

/** What each part of the write path costs by itself. A call is one write, round trip or batch. */
export interface PartTimings {
  /** One small write into a preallocated file, and fdatasync: the floor. */
  readonly fdatasync: Timing;
  /** One entry: append and sync. */
  readonly logAppend: Timing;
  /** The same by 64 callers, who share syncs. */
  readonly logAppend64: Timing;
  /** A small frame to another process and back. */
  readonly roundTrip: Timing;
  /** 100 KB there, a small frame back. */
  readonly roundTrip100k: Timing;
  /** A small message to a Worker and back. */
  readonly channelHop: Timing;
  /** Batches of inserts through the state machine, by their size; µs per row follow from the rate. */
  readonly apply: readonly {
    readonly batch: number;
    readonly timing: Timing;
  }[];
  /** Puts into caches in memory, by how many share an entry. */
  readonly cacheApply: readonly CacheApplyTiming[];
}

const BATCHES = [1, 16, 64, 256, 1024];
const MS = 1_500;

/** Measures in folders of `dir`; `peer` leads a pipeline whose links are used. */
export async function measureParts(
  dir: string,
  peer: Child,
  quick: boolean,
): Promise<PartTimings> {
  const ms = quick ? MS / 5 : MS;
  const calls = quick ? 500 : 3_000;
  return {
    fdatasync: measureFdatasync(join(dir, "file"), calls),
    ...(await measureLog(join(dir, "log"), ms)),
    roundTrip: await peer.ask("echo", { bytes: 64, calls }),
    roundTrip100k: await peer.ask("echo", {
      bytes: 100 * 1024,
      calls: calls / 10,
    }),
    channelHop: await measureHop(calls),
    apply: await measureApply(join(dir, "state"), ms),
    cacheApply: measureCacheApply(),
  };
}

function measureFdatasync(path: string, calls: number): Timing {
  const file = fs.openSync(path, "w");
  fs.writeSync(file, new Uint8Array(2 * 1024 * 1024));
  fs.fsyncSync(file);
  const record = new Uint8Array(256);
  const timing = driveSync(calls, (n) => {
    fs.writeSync(file, record, 0, record.length, n * record.length);
    fs.fdatasyncSync(file);
  });
  fs.closeSync(file);
  return timing;
}

async function measureLog(
  dir: string,
  ms: number,
): Promise<Pick<PartTimings, "logAppend" | "logAppend64">> {
  Deno.mkdirSync(dir);
  const { log } = openSegmentLog(new RealDisk(dir), {
    segmentBytes: 2 * 1024 * 1024,
  });
  const append = (): Promise<void> => {
    const entry = command(log.last.index + 1, {
      kind: "execute",
      statement: insert(log.last.index),
    });
    if (!log.reserve(1, entry.payload.length)) throw new Error("no room");
    log.append([entry]);
    return new Promise((resolve, reject) =>
      log.sync((error) => error === null ? resolve() : reject(error))
    );
  };
  const calls = 1_000_000;
  try {
    return {
      logAppend: await drive({ concurrency: 1, ms, calls }, append),
      logAppend64: await drive({ concurrency: 64, ms, calls }, append),
    };
  } finally {
    log.close();
  }
}

async function measureHop(calls: number): Promise<Timing> {
  const url = new URL("./echo_worker.ts", import.meta.url);
  const worker = new Worker(url, { type: "module" });
  let arrived = (): void => {};
  worker.onmessage = () => arrived();
  const bytes = new Uint8Array(64);
  const hop = (): Promise<void> =>
    new Promise((resolve) => {
      arrived = resolve;
      worker.postMessage(bytes);
    });
  await hop();
  const timing = await drive({ concurrency: 1, ms: 10_000, calls }, hop);
  worker.terminate();
  return timing;
}

async function measureApply(
  dir: string,
  ms: number,
): Promise<PartTimings["apply"]> {
  const { machine } = await openSqliteMachine({
    dir,
    filename: "hiqlite.db",
    writer: "worker",
    readPoolSize: 1,
    statementCacheCapacity: 1000,
    logStatements: false,
    logger: silentLogger,
  });
  let index = 0;
  const next = (body: CommandBody): Entry => command(++index, body);
  const create = { sql: CREATE };
  await apply(machine, [next({ kind: "execute", statement: create })]);
  const timings: { batch: number; timing: Timing }[] = [];
  for (const batch of BATCHES) {
    const load = { concurrency: 1, ms, calls: 1_000_000 };
    const timing = await drive(load, () => {
      const entries = Array.from(
        { length: batch },
        () => next({ kind: "execute", statement: insert(index) }),
      );
      return apply(machine, entries);
    });
    timings.push({ batch, timing });
  }
  await new Promise<void>((resolve) => machine.close(resolve));
  return timings;
}

function apply(
  machine: StateMachine,
  entries: readonly Entry[],
): Promise<void> {
  return new Promise((resolve, reject) =>
    machine.apply(
      entries,
      true,
      (error) => error === null ? resolve() : reject(error),
    )
  );
}

function command(index: number, body: CommandBody): Entry {
  const payload = encodeShared((writer) =>
    writeEnvelope(
      writer,
      "command",
      NO_IDENTITY,
      (writer) => writeCommand(writer, body),
    )
  );
  stampEnvelope(payload, {
    clockMs: 0,
    timeMs: 1_700_000_000_000,
    seedA: index,
    seedB: 0,
  });
  return { index, term: 1, kind: EntryKind.command, payload };
}
