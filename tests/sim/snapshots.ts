import { createHash } from "node:crypto";
import { HiqliteError } from "../../src/errors.ts";
import type { Configuration, LogId } from "../../src/raft/types.ts";
import type { Snapshot, SnapshotSink } from "../../src/state/port.ts";
import { NO_BYTES } from "../../src/util/bytes.ts";
import type { MachineHost } from "./machine_port.ts";
import type { StatePoint, StateVolume } from "./state_volume.ts";

/** What snapshots need of the world around a machine. */
type SnapshotHost = Pick<MachineHost, "snapshotPadding" | "later" | "full">;

/** Snapshot bytes: the state, the configuration, padding. */
function wrap(point: StatePoint, padding: number): Uint8Array {
  const config = new TextEncoder().encode(JSON.stringify(point.config));
  const bytes = new Uint8Array(
    8 + config.length + point.bytes.length + padding,
  );
  const view = new DataView(bytes.buffer);
  view.setUint32(0, config.length);
  view.setUint32(4, point.bytes.length);
  bytes.set(config, 8);
  bytes.set(point.bytes, 8 + config.length);
  return bytes;
}

/** What a snapshot's bytes hold. */
export function unwrap(
  bytes: Uint8Array,
): { readonly config: Configuration; readonly bytes: Uint8Array } {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const config = view.getUint32(0);
  const state = view.getUint32(4);
  return {
    config: JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + config))),
    bytes: bytes.slice(8 + config, 8 + config + state),
  };
}

/** A snapshot of a state at a point, read with the delays of its machine's host. */
export class SimSnapshot implements Snapshot {
  readonly last: LogId;
  readonly config: Configuration;
  readonly size: number;
  readonly sha256: string;
  readonly #host: SnapshotHost;
  readonly #bytes: Uint8Array;
  #released = false;

  constructor(point: StatePoint, host: SnapshotHost) {
    this.#host = host;
    this.#bytes = wrap(point, host.snapshotPadding);
    this.last = point.last;
    this.config = point.config;
    this.size = this.#bytes.length;
    this.sha256 = sha256(this.#bytes);
  }

  read(
    offset: number,
    length: number,
    done: (error: Error | null, chunk: Uint8Array) => void,
  ): void {
    this.#host.later(() => {
      if (this.#released) return done(new Error("snapshot released"), NO_BYTES);
      done(null, this.#bytes.subarray(offset, offset + length));
    });
  }

  release(): void {
    this.#released = true;
  }
}

/** Receives a snapshot onto a volume. */
export class SimSink implements SnapshotSink {
  readonly #last: LogId;
  readonly #volume: StateVolume;
  readonly #host: SnapshotHost;
  #chunks: Uint8Array[] = [];
  #offset = 0;

  constructor(last: LogId, volume: StateVolume, host: SnapshotHost) {
    this.#last = last;
    this.#volume = volume;
    this.#host = host;
  }

  get offset(): number {
    return this.#offset;
  }

  write(chunk: Uint8Array, done: (error: Error | null) => void): void {
    this.#host.later(() => {
      if (this.#host.full()) {
        return done(new HiqliteError("disk_full", "simulated full disk"));
      }
      this.#chunks.push(chunk);
      this.#offset += chunk.length;
      done(null);
    });
  }

  finish(
    expected: { readonly size: number; readonly sha256: string },
    done: (error: Error | null) => void,
  ): void {
    this.#host.later(() => {
      const bytes = new Uint8Array(this.#offset);
      let at = 0;
      for (const chunk of this.#chunks) {
        bytes.set(chunk, at);
        at += chunk.length;
      }
      if (bytes.length !== expected.size || sha256(bytes) !== expected.sha256) {
        return done(new Error("snapshot checksum differs"));
      }
      this.#volume.received = { last: this.#last, bytes };
      done(null);
    });
  }

  abort(): void {
    this.#chunks = [];
  }
}

function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
