import type { RaftGroup } from "../../../src/group/group.ts";
import {
  type Configuration,
  type MemberId,
  NO_CONFIGURATION,
  type NodeId,
} from "../../../src/raft/types.ts";
import {
  changedFacts,
  type ClusterFacts,
  type FactChange,
  FIRST_FACTS,
} from "../../../src/state/cluster_facts.ts";
import type { Draw } from "../draw.ts";
import type { Scheduler } from "../scheduler.ts";

/** What the stand-in needs from its world. */
export interface DurableGroupPorts {
  readonly scheduler: Scheduler;
  readonly draw: Draw;
  readonly nodes: readonly NodeId[];
  /** How many of the changes take long, 0 to 1. */
  readonly slowChanges: number;
  /** Whether a node runs and reaches another one. */
  reaches(from: NodeId, to: NodeId): boolean;
  /** A change took effect; `after` are the facts since. */
  changed(change: FactChange, after: ClusterFacts): void;
}

/** Between two looks at who leads, ms. */
const LOOK_MS = 40;
/** How long a change is tried, ms: the proposer's patience. */
const PATIENCE_MS = 10_000;

/**
 * Stands for the durable group: one history of its facts, of which each node has seen a part, and a leader that
 * nodes believe in, some of them for too long. A change takes effect late, twice, or not at all.
 */
export class DurableGroup {
  readonly #ports: DurableGroupPorts;
  readonly #history: ClusterFacts[] = [FIRST_FACTS];
  readonly #seen = new Map<NodeId, number>();
  readonly #believed = new Map<NodeId, NodeId | null>();
  /** Nodes that apply nothing until then. */
  readonly #slow = new Map<NodeId, number>();
  #leader: NodeId | null = null;

  constructor(ports: DurableGroupPorts) {
    this.#ports = ports;
    this.#look();
  }

  /** All that took effect. */
  get latest(): ClusterFacts {
    return this.#history.at(-1)!;
  }

  /** What a node has applied. */
  facts(node: NodeId): ClusterFacts {
    return this.#history[this.#seen.get(node) ?? 0]!;
  }

  /** The group's loop as a following group looks at it from a node. */
  asSeenBy(node: NodeId): RaftGroup {
    const believed = this.#believed.get(node) ?? null;
    const leader = believed === null ? null : durableId(believed);
    const config: Configuration = {
      ...NO_CONFIGURATION,
      voters: this.#ports.nodes.map(durableId).sort(),
    };
    return { core: { leader, config } } as unknown as RaftGroup;
  }

  /** A node asks for a change. */
  change(from: NodeId, change: FactChange): void {
    const { draw, slowChanges } = this.#ports;
    if (draw.chance(0.03)) return;
    const times = draw.chance(0.05) ? 2 : 1;
    for (let i = 0; i < times; i++) {
      const ms = draw.chance(slowChanges)
        ? draw.between(100, 2500)
        : draw.between(1, 40);
      this.#arrive(from, change, ms, this.#ports.scheduler.now + PATIENCE_MS);
    }
  }

  /** Somebody else leads from now on, as soon as the others hear of it. */
  handOver(): void {
    this.#leader = null;
  }

  /** A node applies nothing for a while. */
  slowDown(node: NodeId, ms: number): void {
    this.#slow.set(node, this.#ports.scheduler.now + ms);
  }

  #arrive(
    from: NodeId,
    change: FactChange,
    ms: number,
    until: number,
  ): void {
    const { scheduler, reaches, changed } = this.#ports;
    if (scheduler.now > until) return;
    scheduler.after(ms, () => {
      const leader = this.#leader;
      if (leader === null || !reaches(from, leader)) {
        return this.#arrive(from, change, LOOK_MS, until);
      }
      const after = changedFacts(this.latest, change);
      if (typeof after === "string") return;
      this.#history.push(after);
      changed(change, after);
    });
  }

  #look(): void {
    const { scheduler, draw, nodes, reaches } = this.#ports;
    scheduler.after(LOOK_MS, () => this.#look());
    const eligible = nodes.filter((node) =>
      2 * nodes.filter((other) => reaches(node, other)).length > nodes.length
    );
    if (this.#leader !== null && !eligible.includes(this.#leader)) {
      this.#leader = null;
    }
    if (this.#leader === null && eligible.length > 0 && draw.chance(0.2)) {
      this.#leader = draw.pick(eligible);
    }
    for (const node of nodes) this.#tell(node);
  }

  /** A node that reaches the leader hears of it and of what took effect, by and by; another one believes what it believed for a while. */
  #tell(node: NodeId): void {
    const { scheduler, draw, reaches } = this.#ports;
    const leader = this.#leader;
    if (leader !== null && reaches(leader, node)) {
      if (draw.chance(0.6)) this.#believed.set(node, leader);
      const seen = this.#seen.get(node) ?? 0;
      const newest = this.#history.length - 1;
      const slow = (this.#slow.get(node) ?? 0) > scheduler.now;
      if (seen < newest && !slow && draw.chance(0.6)) {
        this.#seen.set(node, draw.chance(0.7) ? newest : seen + 1);
      }
    } else if (draw.chance(0.1)) this.#believed.set(node, null);
  }
}

/** Who a node is in the durable group. */
export function durableId(node: NodeId): MemberId {
  return `${node}.${"0".repeat(15)}${node}`;
}
