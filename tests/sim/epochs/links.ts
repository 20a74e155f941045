import type { NodeId } from "../../../src/raft/types.ts";
import type { PeerIdentity } from "../../../src/network/port.ts";
import type { PeerAnswer } from "../../../src/network/requests.ts";
import type { Draw } from "../draw.ts";
import type { Scheduler } from "../scheduler.ts";
import type { EpochMember } from "./member.ts";

/** What links need from their world. */
export interface LinksPorts {
  readonly scheduler: Scheduler;
  readonly draw: Draw;
  /** The process on a node, if one runs. */
  processOn(node: NodeId): EpochMember | null;
}

interface Frame {
  readonly from: NodeId;
  readonly to: NodeId;
  readonly bytes: Uint8Array;
}

/** Frames that can be delivered once more. */
const KEPT = 200;

/**
 * Links between processes: made a while after both run, told to be broken a while after one ended, silent while
 * they are cut. What is on its way arrives only at the very process that the link was made with, from a process that it
 * still is linked to.
 */
export class Links {
  readonly #ports: LinksPorts;
  /** Pairs that hear nothing of each other, until when. */
  readonly #cut = new Map<string, number>();
  readonly #kept: Frame[] = [];

  constructor(ports: LinksPorts) {
    this.#ports = ports;
  }

  /** Whether frames between two nodes are lost now. */
  isCut(a: NodeId, b: NodeId): boolean {
    return (this.#cut.get(pairOf(a, b)) ?? 0) > this.#ports.scheduler.now;
  }

  /** Loses what is between two nodes for a while; half of such links break. */
  cut(a: NodeId, b: NodeId, ms: number): void {
    const { scheduler, draw, processOn } = this.#ports;
    this.#cut.set(pairOf(a, b), scheduler.now + ms);
    const [one, other] = [processOn(a), processOn(b)];
    if (one === null || other === null || draw.chance(0.5)) return;
    scheduler.after(draw.between(0, ms), () => {
      one.linkDown(other.identity);
      other.linkDown(one.identity);
      this.#make(one, other);
    });
  }

  /** Ends all cuts. */
  heal(): void {
    this.#cut.clear();
  }

  /** A process began: links are made to all others. */
  joined(process: EpochMember, nodes: readonly NodeId[]): void {
    for (const node of nodes) {
      const other = this.#ports.processOn(node);
      if (other !== null && other !== process) this.#make(process, other);
    }
  }

  /** A process ended: the others hear of it by and by. */
  ended(process: EpochMember, nodes: readonly NodeId[]): void {
    const { scheduler, draw } = this.#ports;
    for (const node of nodes) {
      const other = this.#ports.processOn(node);
      if (other === null || other === process) continue;
      scheduler.after(
        draw.between(0, 60),
        () => other.linkDown(process.identity),
      );
    }
  }

  /** Sends a frame; false without a link. */
  send(from: EpochMember, to: NodeId, bytes: Uint8Array): boolean {
    if (from.peer(to) === undefined) return false;
    this.#keep({ from: from.node, to, bytes });
    this.#carry(from, to, (other) => other.receive(from.identity, bytes));
    return true;
  }

  /** Asks the process on a node and hears its answer. */
  ask(
    from: EpochMember,
    to: NodeId,
    handle: (
      other: EpochMember,
      answer: (ok: boolean, body: Uint8Array) => void,
    ) => void,
    done: (answer: PeerAnswer) => void,
  ): void {
    this.#carry(from, to, (other) =>
      handle(other, (ok, body) =>
        this.#carry(
          other,
          from.node,
          () => done({ kind: ok ? "ok" : "error", body }),
        )));
  }

  /** Delivers some old frames once more, to whoever is there now, as if whoever is linked now had sent them. */
  replay(count: number): void {
    const { draw, processOn, scheduler } = this.#ports;
    for (let i = 0; i < count && this.#kept.length > 0; i++) {
      const { from, to, bytes } = draw.pick(this.#kept);
      scheduler.after(draw.between(0, 20), () => {
        const process = processOn(to);
        const peer = process?.peer(from);
        if (peer !== undefined) process!.receive(peer, bytes);
      });
    }
  }

  #carry(
    from: EpochMember,
    to: NodeId,
    arrive: (other: EpochMember) => void,
  ): void {
    const { scheduler, draw, processOn } = this.#ports;
    const other = processOn(to);
    if (other === null || from.peer(to) !== other.identity) return;
    if (this.isCut(from.node, to)) return;
    const ms = draw.chance(0.05) ? draw.between(20, 400) : draw.between(1, 8);
    scheduler.after(ms, () => {
      if (other.peer(from.node) !== from.identity) return;
      other.run(() => arrive(other));
    });
  }

  #make(a: EpochMember, b: EpochMember): void {
    const { scheduler, draw } = this.#ports;
    scheduler.after(draw.between(5, 120), () => {
      if (!a.alive || !b.alive) return;
      if (this.isCut(a.node, b.node)) return this.#make(a, b);
      a.linkUp(b.identity);
      b.linkUp(a.identity);
    });
  }

  #keep(frame: Frame): void {
    if (this.#kept.length < KEPT) this.#kept.push(frame);
    else this.#kept[this.#ports.draw.int(0, KEPT - 1)] = frame;
  }
}

function pairOf(a: NodeId, b: NodeId): string {
  return a < b ? `${a} ${b}` : `${b} ${a}`;
}

/** Who is at the other end. */
export type Peers = Map<NodeId, PeerIdentity>;
