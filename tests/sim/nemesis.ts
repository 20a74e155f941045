import type { SimNode } from "./node.ts";
import type { Fault } from "./plan.ts";
import type { World } from "./world.ts";

/** How long a disk's errors go on; a process that starts meanwhile fails again. */
const IO_ERROR_MS = 50;

/** Does a fault to the world. Answers whether it made sense now. */
export function inflict(world: World, fault: Fault): boolean {
  switch (fault.kind) {
    case "crash":
      return crash(world, fault.node, fault.power, fault.downMs);
    case "crashAll":
      for (const node of world.nodes) {
        crash(world, node.nodeId, fault.power, fault.downMs);
      }
      return true;
    case "partition":
      return partition(world, fault);
    case "cut":
    case "clog": {
      const from = world.named(fault.from);
      const to = world.named(fault.to);
      if (from === null || to === null || from === to) return false;
      world.network[fault.kind](from.nodeId, to.nodeId, fault.ms);
      if (fault.kind === "cut") world.linkBroke(from.nodeId, to.nodeId);
      return true;
    }
    case "lossy":
      world.network.lossy(fault.loss, fault.ms);
      return true;
    case "replay":
      world.network.replay(fault.count);
      return true;
    case "transfer":
      return transfer(world, fault.target);
    case "membership":
      world.operator.change(fault);
      return true;
    default:
      return onNode(world, fault);
  }
}

type NodeFault = Exclude<
  Fault,
  {
    kind:
      | "crash"
      | "crashAll"
      | "partition"
      | "cut"
      | "clog"
      | "lossy"
      | "replay"
      | "transfer"
      | "membership";
  }
>;

function onNode(world: World, fault: NodeFault): boolean {
  const node = world.named(fault.node);
  if (node === null) return false;
  const { disk, process } = node;
  switch (fault.kind) {
    case "pause":
      node.pausedUntil = world.now + fault.ms;
      return true;
    case "clockJump":
      // Raft counts ticks; a jump of the wall clock must not matter to it.
      node.wallOffset += fault.ms;
      return true;
    case "drift":
      node.drift(fault.rate);
      world.steadyClocks = false;
      return true;
    case "wipe":
      return world.outages.loseVolume(node, fault.downMs);
    case "bitRot":
      return bitRot(world, node, fault.downMs);
    case "lyingSync":
      if (!world.outages.canForget(node)) return false;
      disk.faults.lying = true;
      world.later(fault.ms, () => node.disk.faults.lying = false);
      return true;
    case "syncError":
    case "readError":
    case "writeError":
      return ioError(world, node, FAILING[fault.kind]);
    case "diskFull":
      disk.faults.full = true;
      world.later(fault.ms, () => node.disk.faults.full = false);
      return true;
    case "slowDisk":
      disk.faults.slowness = fault.factor;
      world.later(fault.ms, () => node.disk.faults.slowness = 1);
      return true;
    case "shutdown":
      if (process === null || !world.outages.mayStop(node)) return false;
      process.run(() => process.group.stop());
      world.outages.stop(node, false, fault.downMs);
      return true;
    case "checkpoint":
      process?.run(() => process.group.checkpoint());
      return process !== null;
    case "campaign":
      process?.run(() => process.group.campaign());
      return process !== null;
  }
}

/** What a disk stops doing with each kind of error. */
const FAILING = {
  syncError: "failSyncs",
  readError: "failReads",
  writeError: "failWrites",
} as const;

function ioError(
  world: World,
  node: SimNode,
  failing: typeof FAILING[keyof typeof FAILING],
): boolean {
  node.disk.faults[failing] = true;
  // On whatever disk the node has then.
  world.later(IO_ERROR_MS, () => node.disk.faults[failing] = false);
  return true;
}

function crash(
  world: World,
  id: number,
  power: boolean,
  downMs: number,
): boolean {
  const node = world.named(id);
  if (node === null || node.process === null) return false;
  if (!world.outages.mayStop(node)) return false;
  world.outages.stop(node, power, downMs);
  return true;
}

function partition(
  world: World,
  fault: Extract<Fault, { kind: "partition" }>,
): boolean {
  const side = new Set(
    fault.side.map((id) => world.named(id)?.nodeId).filter((id) => id),
  );
  for (const a of world.nodes) {
    for (const b of world.nodes) {
      if (side.has(a.nodeId) === side.has(b.nodeId)) continue;
      if (fault.oneWay && !side.has(a.nodeId)) continue;
      world.network.cut(a.nodeId, b.nodeId, fault.ms);
      world.linkBroke(a.nodeId, b.nodeId);
    }
  }
  return true;
}

function transfer(world: World, target: number): boolean {
  const leader = world.leader();
  if (leader === null) return false;
  const member = target === 0 ? null : world.named(target)!.member;
  const { term } = leader.core;
  leader.run(() => void leader.group.transferLeadership(member));
  const { plan, probes } = world;
  world.later(plan.tickMs * (plan.raft.electionTicks + 4) * 2, () => {
    const now = world.leader();
    const asked = member !== null && member !== leader.member;
    if (now === null || !asked) return;
    if (now === leader && now.core.term === term && leader.alive) {
      probes.hit("transferAborted");
    } else if (now.member === member && now.core.term === term + 1) {
      probes.hit("transferDone");
    }
  });
  return true;
}

/** Damage at rest is found at the next start, so there is one. */
function bitRot(world: World, node: SimNode, downMs: number): boolean {
  if (node.process === null || !world.outages.canForget(node)) return false;
  if (world.plan.scrubBytes > 0) {
    const place = node.disk.flipBit();
    if (place === null) return false;
    node.rotten = true;
    world.trace.add(world.now, "bit rot", node.member, place);
    return true;
  }
  // Not with a power cut: damage to the very last sync would look like a torn tail.
  world.outages.stop(node, false, downMs);
  const place = node.disk.flipBit();
  if (place === null) return false;
  node.rotten = true;
  world.trace.add(world.now, "bit rot", node.member, place);
  return true;
}
