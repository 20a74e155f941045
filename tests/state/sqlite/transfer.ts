import type { LogId } from "../../../src/raft/types.ts";
import type { Snapshot, SnapshotSink } from "../../../src/state/port.ts";
import { settled } from "../machine_calls.ts";
import type { Subject } from "./subject.ts";

/** A piece of a snapshot. */
export function read(
  snapshot: Snapshot,
  offset: number,
  length: number,
): Promise<Uint8Array> {
  return new Promise((resolve, reject) =>
    snapshot.read(
      offset,
      length,
      (error, chunk) => error === null ? resolve(chunk) : reject(error),
    )
  );
}

/** A machine's sink for a snapshot up to `last`. */
export function receive(subject: Subject, last: LogId): Promise<SnapshotSink> {
  return new Promise((resolve, reject) =>
    subject.machine.receive(
      last,
      (error, sink) => error === null ? resolve(sink!) : reject(error),
    )
  );
}

/** Streams a snapshot into another machine's sink, in chunks that do not divide its size. */
export async function transfer(
  snapshot: Snapshot,
  subject: Subject,
): Promise<SnapshotSink> {
  const sink = await receive(subject, snapshot.last);
  while (sink.offset < snapshot.size) {
    const chunk = await read(snapshot, sink.offset, 5000);
    await settled((done) => sink.write(chunk, done));
  }
  return sink;
}
