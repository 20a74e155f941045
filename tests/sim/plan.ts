import { Draw } from "./draw.ts";
import type { MachineFaults } from "./machine_port.ts";

/** Something that goes wrong, or is done to the cluster, at a time. Node 0 means: whoever leads then. */
export type Fault =
  & { readonly at: number }
  & (
    | {
      readonly kind: "crash";
      readonly node: number;
      /** Unsynced writes may be lost. */
      readonly power: boolean;
      readonly downMs: number;
    }
    | {
      readonly kind: "crashAll";
      readonly power: boolean;
      readonly downMs: number;
    }
    | { readonly kind: "pause"; readonly node: number; readonly ms: number }
    /** The nodes on one side; both directions are cut, or only the one away from them. */
    | {
      readonly kind: "partition";
      readonly side: readonly number[];
      readonly oneWay: boolean;
      readonly ms: number;
    }
    | {
      readonly kind: "cut";
      readonly from: number;
      readonly to: number;
      readonly ms: number;
    }
    | {
      readonly kind: "clog";
      readonly from: number;
      readonly to: number;
      readonly ms: number;
    }
    | { readonly kind: "lossy"; readonly loss: number; readonly ms: number }
    /** Old frames of all links are delivered again. */
    | { readonly kind: "replay"; readonly count: number }
    | { readonly kind: "clockJump"; readonly node: number; readonly ms: number }
    | { readonly kind: "drift"; readonly node: number; readonly rate: number }
    | { readonly kind: "wipe"; readonly node: number; readonly downMs: number }
    | {
      readonly kind: "bitRot";
      readonly node: number;
      readonly downMs: number;
    }
    | { readonly kind: "lyingSync"; readonly node: number; readonly ms: number }
    | {
      readonly kind: "syncError" | "readError" | "writeError";
      readonly node: number;
      readonly downMs: number;
    }
    | { readonly kind: "diskFull"; readonly node: number; readonly ms: number }
    | {
      readonly kind: "slowDisk";
      readonly node: number;
      readonly factor: number;
      readonly ms: number;
    }
    /** The process ends in good order. */
    | {
      readonly kind: "shutdown";
      readonly node: number;
      readonly downMs: number;
    }
    | { readonly kind: "transfer"; readonly target: number }
    | { readonly kind: "checkpoint"; readonly node: number }
    | { readonly kind: "campaign"; readonly node: number }
    | {
      readonly kind: "membership";
      readonly action: "add" | "promote" | "demote" | "remove" | "swap";
      readonly node: number;
    }
  );

/** Everything a run depends on. Two runs of one plan are equal. */
export interface Plan {
  readonly seed: number;
  /** Machines; the first `voters` form the cluster, then come `learners`, the rest are spare. */
  readonly nodes: number;
  readonly voters: number;
  readonly learners: number;
  readonly stateMachine: "model" | "sqlite" | "counter" | "caches" | "locks";
  /** Members keep nothing: who comes back is somebody else. */
  readonly inMemory?: boolean;
  /** Virtual time with faults. */
  readonly chaosMs: number;
  readonly tickMs: number;
  readonly raft: {
    readonly electionTicks: number;
    readonly heartbeatTicks: number;
    readonly preVote: boolean;
    readonly leaseReads: boolean;
    readonly maxEntriesPerAppend: number;
    readonly maxBytesPerAppend: number;
    readonly maxInflightAppends: number;
    readonly maxInflightBytes: number;
    readonly maxUncommittedBytes: number;
  };
  readonly durability: "immediate" | "immediate_async" | "interval";
  /** Messages go through the production codec. */
  readonly encoded: boolean;
  /** Members hear of links that break. */
  readonly linksTell: boolean;
  /** Bytes of stored log verified per election timeout; 0 for none. */
  readonly scrubBytes: number;
  readonly retainEntries: number;
  readonly checkpointEntries: number;
  readonly segmentBytes: number;
  readonly cacheBytes: number;
  readonly network: {
    readonly latencyMs: number;
    readonly jitterMs: number;
    readonly loss: number;
    readonly duplicate: number;
    readonly inOrder: boolean;
  };
  readonly disk: {
    readonly syncMs: number;
    readonly readMs: number;
    readonly applyMs: number;
    readonly snapshotMs: number;
    readonly snapshotPadding: number;
    /** Probability that a power cut keeps an unsynced write, or tears it. */
    readonly keepUnsynced: number;
  };
  readonly deferMs: number;
  /** How long committed entries that nobody waits for may stay unapplied; 0 for not at all. */
  readonly lingerMs: number;
  readonly clients: {
    readonly count: number;
    readonly operations: number;
    readonly keys: number;
    readonly thinkMs: number;
    readonly timeoutMs: number;
    readonly padding: number;
    /** Share of clients that write without a session. */
    readonly plain: number;
    readonly reads: number;
  };
  readonly faults: readonly Fault[];
  /** Probability of a power cut whenever something delicate begins. */
  readonly cutAtMoments: number;
  /** Probability of a power cut while a founder's first entry is on its way to the disk. */
  readonly cutAtFounding?: number;
  /** Leaders run commands before they replicate them. Left out: the machine does without. */
  readonly firstRun?: {
    /** How long a command may run, ms. */
    readonly timeoutMs: number;
    /** Share of writes that hang, kill or overfill the machine that runs them. */
    readonly poison: number;
    readonly faults: MachineFaults;
  };
  /** In the end heal only a quorum; the others stay away for ever. */
  readonly healQuorumOnly: boolean;
}

/** Of ten seeds in a row one runs SQLite, one locks and topics in it, one the counter, two caches: on logs that are kept, and in memory. */
function stateMachineOf(seed: number): Plan["stateMachine"] {
  switch (seed % 10) {
    case 0:
      return "sqlite";
    case 5:
      return "counter";
    case 9:
      return "locks";
    case 3:
    case IN_MEMORY:
      return "caches";
    default:
      return "model";
  }
}

/** Of ten seeds the one whose caches are in memory. */
const IN_MEMORY = 8;

/** Draws a plan. */
export function drawPlan(seed: number): Plan {
  const draw = new Draw(seed, "plan");
  const voters = draw.pick([1, 2, 3, 3, 3, 3, 3, 4, 5, 5, 5, 6, 7]);
  const learners = draw.chance(0.3) ? draw.int(1, 2) : 0;
  const nodes = voters + learners + (draw.chance(0.5) ? draw.int(1, 2) : 0);
  const tickMs = draw.pick([10, 20, 50]);
  const electionTicks = draw.int(8, 20);
  const electionMs = tickMs * electionTicks;
  const chaosMs = electionMs * draw.int(40, 160);
  const latencyMs = draw.between(0.1, electionMs / draw.pick([10, 20, 50]));
  const padding = draw.pick([0, 0, 0, 200, 3000]);
  const drawn = {
    seed,
    nodes,
    voters,
    learners,
    stateMachine: stateMachineOf(seed),
    chaosMs,
    tickMs,
    raft: {
      electionTicks,
      heartbeatTicks: draw.int(1, Math.floor(electionTicks / 4)),
      preVote: draw.chance(0.85),
      leaseReads: draw.chance(0.1),
      maxEntriesPerAppend: draw.pick([1, 4, 64, 1024]),
      // Big entries one by one, each read back with its whole frame, would drown a run.
      maxBytesPerAppend: Math.max(
        draw.pick([100, 1000, 1_000_000]),
        4 * padding,
      ),
      maxInflightAppends: draw.pick([1, 2, 8, 64]),
      maxInflightBytes: draw.pick([500, 10_000, 10_000_000]),
      maxUncommittedBytes: draw.pick([2_000, 1_000_000]),
    },
    durability: draw.pick(
      [...Array(14).fill("immediate"), "immediate_async", "interval"] as const,
    ) as Plan["durability"],
    encoded: draw.chance(0.2),
    linksTell: draw.chance(0.5),
    scrubBytes: draw.pick([0, 0, 0, 1000, 20_000]),
    retainEntries: draw.pick([0, 2, 10, 50, 1000]),
    checkpointEntries: draw.pick([5, 20, 100, 1000]),
    segmentBytes: draw.pick([8192, 8192, 16_384, 65_536]),
    cacheBytes: draw.pick([200, 2000, 1_000_000]),
    network: {
      latencyMs,
      jitterMs: latencyMs * draw.pick([0, 0.5, 3]),
      loss: draw.chance(0.5) ? draw.between(0, 0.15) : 0,
      duplicate: draw.chance(0.4) ? draw.between(0, 0.2) : 0,
      inOrder: draw.chance(0.4),
    },
    disk: {
      syncMs: draw.pick([0, 0.1, 1, electionMs / 20]),
      readMs: draw.pick([0, 0.1, 2]),
      applyMs: draw.pick([0, 0.1, 2, electionMs / 20]),
      snapshotMs: draw.pick([1, 20, electionMs]),
      snapshotPadding: draw.chance(0.1) ? draw.int(100_000, 2_500_000) : 0,
      keepUnsynced: draw.pick([0, 0.5, 0.9]),
    },
    deferMs: draw.pick([0, 0, 0.05, 1]),
    lingerMs: draw.pick([0, 2, 10]),
    clients: {
      count: draw.int(1, 8),
      operations: draw.int(40, 500),
      keys: draw.int(1, 6),
      thinkMs: (chaosMs / 100) * draw.between(0.05, 2),
      timeoutMs: electionMs * draw.between(0.5, 5),
      padding,
      plain: draw.pick([0, 0.3]),
      reads: draw.between(0.1, 0.7),
    },
    cutAtMoments: draw.pick([0, 0, 0, 0.02, 0.1, 0.3]),
    healQuorumOnly: draw.chance(0.4),
    cutAtFounding: draw.pick([0, 0, 0.5]),
  };
  const plan = seed % 10 === IN_MEMORY ? inMemory(drawn) : drawn;
  const firstRun = drawFirstRun(new Draw(seed, "first run"), plan);
  return {
    ...plan,
    ...(firstRun === null ? {} : { firstRun }),
    faults: drawFaults(new Draw(seed, "faults"), plan),
  };
}

/** No disk says when something is durable, and none is damaged. */
function inMemory(plan: Shape): Shape {
  return { ...plan, inMemory: true, durability: "immediate", scrubBytes: 0 };
}

/** Null: a machine whose commands are cheap, like a counter's. */
function drawFirstRun(
  draw: Draw,
  { tickMs, raft, stateMachine }: Shape,
): NonNullable<Plan["firstRun"]> | null {
  const cheap = stateMachine === "counter" || stateMachine === "caches";
  if (cheap || draw.chance(0.15)) return null;
  const quiet = draw.chance(0.4);
  const rarely = (): number => quiet ? 0 : draw.pick([0, 0, 0.002, 0.02]);
  return {
    timeoutMs: tickMs * raft.electionTicks * draw.between(0.3, 3),
    poison: stateMachine === "sqlite" || stateMachine === "locks" || quiet
      ? 0
      : draw.pick([0, 0, 0.02, 0.1]),
    faults: {
      hangs: rarely(),
      dies: rarely(),
      alone: draw.pick([0, 0.02, 0.2]),
      cuts: draw.pick([0, 0.1, 0.5]),
      differs: rarely(),
      abortable: draw.chance(0.8),
      unattended: draw.chance(0.7),
      certain: draw.chance(0.5),
    },
  };
}

type Shape = Omit<Plan, "faults" | "firstRun">;
type FaultKind = Fault["kind"];

const KINDS: readonly FaultKind[] = [
  "crash",
  "crash",
  "crashAll",
  "pause",
  "partition",
  "partition",
  "cut",
  "clog",
  "lossy",
  "replay",
  "clockJump",
  "drift",
  "wipe",
  "bitRot",
  "lyingSync",
  "syncError",
  "readError",
  "writeError",
  "diskFull",
  "slowDisk",
  "shutdown",
  "transfer",
  "checkpoint",
  "campaign",
  "membership",
  "membership",
  "membership",
];

function drawFaults(draw: Draw, shape: Shape): Fault[] {
  // Not every kind in every run: mixtures of few kinds reach deeper.
  const share = draw.pick([0.1, 0.3, 0.6, 1]);
  const kinds = KINDS.filter((kind) =>
    draw.chance(share) && !excluded(kind, shape)
  );
  if (kinds.length === 0) return [];
  const election = shape.tickMs * shape.raft.electionTicks;
  const gap = election * draw.between(0.5, 8);
  const faults: Fault[] = [];
  let at = draw.exponential(gap);
  while (at < shape.chaosMs && faults.length < 200) {
    faults.push(drawFault(draw, draw.pick(kinds), at, election, shape));
    at += draw.exponential(gap);
  }
  return faults;
}

/** What happens to disks. */
const OF_DISKS: readonly FaultKind[] = [
  "bitRot",
  "lyingSync",
  "syncError",
  "readError",
  "writeError",
  "diskFull",
];

/** Faults that the run's options promise nothing about. */
function excluded(kind: FaultKind, shape: Shape): boolean {
  if (shape.inMemory && (kind === "crashAll" || OF_DISKS.includes(kind))) {
    return true;
  }
  // A lease trusts that clocks differ by less than a factor of two.
  if (shape.raft.leaseReads && kind === "drift") return true;
  return shape.durability !== "immediate" &&
    (kind === "lyingSync" || kind === "syncError" || kind === "writeError");
}

function drawFault(
  draw: Draw,
  kind: FaultKind,
  at: number,
  election: number,
  shape: Shape,
): Fault {
  const node = draw.chance(0.35) ? 0 : draw.int(1, shape.nodes);
  const other = draw.chance(0.3) ? 0 : draw.int(1, shape.nodes);
  const ms = election * draw.between(0.1, draw.pick([1, 4, 12]));
  const downMs = ms;
  const safe = shape.durability === "immediate";
  switch (kind) {
    case "crash":
      return { at, kind, node, power: draw.chance(0.7) && safe, downMs };
    case "crashAll":
      return { at, kind, power: draw.chance(0.7) && safe, downMs };
    case "shutdown":
      return { at, kind, node, downMs };
    case "pause":
    case "lyingSync":
    case "diskFull":
      return { at, kind, node, ms };
    case "slowDisk":
      return { at, kind, node, ms, factor: draw.between(2, 100) };
    case "partition": {
      const side = draw.chance(0.3)
        ? [node]
        : draw.chance(0.3)
        ? [0, draw.int(1, shape.nodes)]
        : draw.shuffled(Array.from({ length: shape.nodes }, (_, i) => i + 1))
          .slice(0, draw.int(1, Math.max(1, shape.nodes - 1)));
      return { at, kind, side, oneWay: draw.chance(0.3), ms };
    }
    case "cut":
    case "clog":
      return { at, kind, from: node, to: other, ms };
    case "lossy":
      return { at, kind, loss: draw.between(0.1, 0.7), ms };
    case "replay":
      return { at, kind, count: draw.int(1, 40) };
    case "clockJump":
      return { at, kind, node, ms: draw.between(-3_600_000, 3_600_000) };
    case "drift":
      return { at, kind, node, rate: draw.between(0.6, 1.6) };
    case "wipe":
    case "bitRot":
    case "syncError":
    case "readError":
    case "writeError":
      return { at, kind, node, downMs };
    case "transfer":
      return { at, kind, target: draw.int(0, shape.nodes) };
    case "checkpoint":
    case "campaign":
      return { at, kind, node };
    case "membership":
      return {
        at,
        kind,
        node,
        action: draw.pick(["add", "promote", "demote", "remove", "swap"]),
      };
  }
}
