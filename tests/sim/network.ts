import type { GroupMessage } from "../../src/group/messages.ts";
import {
  decodeSnapshotFrame,
  encodeSnapshotFrame,
} from "../../src/network/snapshot_codec.ts";
import { decodeFrame } from "../../src/network/frame.ts";
import { decodeMessage, encodeMessage } from "../../src/network/raft_codec.ts";
import { nodeIdOf } from "../../src/raft/types.ts";
import type { Draw } from "./draw.ts";
import type { Plan } from "./plan.ts";
import type { Scheduler } from "./scheduler.ts";

/** Frames of a link remembered for replay. */
const REMEMBERED = 24;

interface Link {
  /** Deliveries are held back until then. */
  clogUntil: number;
  cutUntil: number;
  /** When the last frame arrives, for links that keep order. */
  lastArrival: number;
  readonly extraMs: number;
  readonly old: GroupMessage[];
  next: number;
}

/** Delivers messages between nodes: late, twice, in another order, or never. */
export class SimNetwork {
  readonly #scheduler: Scheduler;
  readonly #draw: Draw;
  readonly #plan: Plan;
  readonly #deliver: (to: number, message: GroupMessage) => void;
  readonly #links = new Map<number, Link>();
  #lossUntil = 0;
  #loss = 0;
  #healed = false;
  /** Messages handed over, and lost, so far. */
  delivered = 0;
  lost = 0;

  /** `deliver` gets what arrives at a node, whoever runs there by then. */
  constructor(
    scheduler: Scheduler,
    draw: Draw,
    plan: Plan,
    deliver: (to: number, message: GroupMessage) => void,
  ) {
    this.#scheduler = scheduler;
    this.#draw = draw;
    this.#plan = plan;
    this.#deliver = deliver;
  }

  /** Sends; false if the sender knows that the link is down. */
  send(message: GroupMessage): boolean {
    const to = nodeIdOf(message.to);
    const link = this.#link(nodeIdOf(message.from), to);
    message = this.#plan.encoded ? throughCodec(message) : message;
    link.old[link.next++ % REMEMBERED] = message;
    const cut = link.cutUntil > this.#scheduler.now;
    if (cut) {
      this.lost++;
      return !this.#draw.chance(0.3);
    }
    if (this.#draw.chance(this.#lossNow())) {
      this.lost++;
      return true;
    }
    this.#dispatch(link, to, message);
    if (!this.#healed && this.#draw.chance(this.#plan.network.duplicate)) {
      this.#dispatch(link, to, message);
    }
    return true;
  }

  /** Cuts one direction of a link. */
  cut(from: number, to: number, ms: number): void {
    const link = this.#link(from, to);
    link.cutUntil = Math.max(link.cutUntil, this.#scheduler.now + ms);
  }

  /** Whether a direction of a link is cut. */
  isCut(from: number, to: number): boolean {
    return this.#link(from, to).cutUntil > this.#scheduler.now;
  }

  /** Holds back what one direction of a link carries. */
  clog(from: number, to: number, ms: number): void {
    const link = this.#link(from, to);
    link.clogUntil = Math.max(link.clogUntil, this.#scheduler.now + ms);
  }

  /** Loses more for a while, everywhere. */
  lossy(loss: number, ms: number): void {
    this.#loss = loss;
    this.#lossUntil = this.#scheduler.now + ms;
  }

  /** Delivers `count` remembered frames of any link and age again. */
  replay(count: number): void {
    const links = [...this.#links].filter(([, link]) => link.old.length > 0);
    if (links.length === 0) return;
    for (let i = 0; i < count; i++) {
      const [key, link] = this.#draw.pick(links);
      this.#dispatch(link, key % 1024, this.#draw.pick(link.old));
    }
  }

  /** Ends every fault; what is on its way still arrives. */
  heal(): void {
    this.#healed = true;
    this.#lossUntil = 0;
    for (const link of this.#links.values()) {
      link.cutUntil = 0;
      link.clogUntil = 0;
    }
  }

  #lossNow(): number {
    if (this.#healed) return 0;
    if (this.#scheduler.now < this.#lossUntil) return this.#loss;
    return this.#plan.network.loss;
  }

  #dispatch(link: Link, to: number, message: GroupMessage): void {
    const { latencyMs, jitterMs, inOrder } = this.#plan.network;
    const now = this.#scheduler.now;
    let at = now + latencyMs + link.extraMs +
      (jitterMs === 0 || this.#healed ? 0 : this.#draw.exponential(jitterMs));
    at = Math.max(at, link.clogUntil);
    if (inOrder) at = Math.max(at, link.lastArrival);
    link.lastArrival = Math.max(at, link.lastArrival);
    this.#scheduler.after(at - now, () => {
      if (link.cutUntil > this.#scheduler.now) {
        this.lost++;
        return;
      }
      this.delivered++;
      this.#deliver(to, message);
    });
  }

  #link(from: number, to: number): Link {
    const key = from * 1024 + to;
    let link = this.#links.get(key);
    if (link === undefined) {
      link = {
        clogUntil: 0,
        cutUntil: 0,
        lastArrival: 0,
        extraMs: this.#draw.between(0, this.#plan.network.latencyMs / 2),
        old: [],
        next: 0,
      };
      this.#links.set(key, link);
    }
    return link;
  }
}

/** What the receiver makes of the bytes that the sender makes of a message. */
function throughCodec(message: GroupMessage): GroupMessage {
  if (message.type === "snapshotChunk" || message.type === "snapshotAck") {
    const frame = encodeSnapshotFrame(0, message);
    return decodeSnapshotFrame(decodeFrame(frame).body).message;
  }
  return decodeMessage(encodeMessage(0, message)).message;
}
