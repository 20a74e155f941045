import { encodeBatch } from "./frame.ts";
import type { Lane, Network } from "./port.ts";
import type { NodeId } from "../raft/types.ts";

/** A batch above this is sent at once, bytes. */
const BATCH_BYTES = 1024 * 1024;

interface Batch {
  readonly frames: Uint8Array[];
  readonly refused: (() => void)[];
  bytes: number;
}

/**
 * Puts frames for the same peer that come up in one go into one message: a
 * receiver handles one message per turn of its event loop, so forwarded writes
 * would otherwise arrive, and be appended and synced, one by one.
 */
export class FrameBatches {
  readonly #network: Network;
  readonly #waiting: Readonly<Record<Lane, Map<NodeId, Batch>>> = {
    control: new Map(),
    bulk: new Map(),
  };
  #deferred = false;

  /** Sends through `network`. */
  constructor(network: Network) {
    this.#network = network;
  }

  /** Sends a frame soon; `refused` is called then if it could not be queued. */
  send(
    node: NodeId,
    lane: Lane,
    frame: Uint8Array,
    refused: () => void = () => {},
  ): void {
    const waiting = this.#waiting[lane];
    let batch = waiting.get(node);
    if (batch !== undefined && batch.bytes + frame.length > BATCH_BYTES) {
      waiting.delete(node);
      this.#flush(node, lane, batch);
      batch = undefined;
    }
    if (batch === undefined) {
      batch = { frames: [], refused: [], bytes: 0 };
      waiting.set(node, batch);
    }
    batch.frames.push(frame);
    batch.refused.push(refused);
    batch.bytes += frame.length;
    if (this.#deferred) return;
    this.#deferred = true;
    queueMicrotask(() => this.#flushAll());
  }

  #flushAll(): void {
    this.#deferred = false;
    for (const lane of ["control", "bulk"] as const) {
      const batches = [...this.#waiting[lane]];
      this.#waiting[lane].clear();
      for (const [node, batch] of batches) this.#flush(node, lane, batch);
    }
  }

  #flush(node: NodeId, lane: Lane, { frames, refused }: Batch): void {
    const message = frames.length === 1 ? frames[0]! : encodeBatch(frames);
    if (this.#network.send(node, lane, message)) return;
    for (const tell of refused) tell();
  }
}
