import type { MembershipChange, Outcome } from "../../src/raft/io.ts";
import { isJoint, isMember, isVoter } from "../../src/raft/configuration.ts";
import type { MemberId } from "../../src/raft/types.ts";
import { nodeIdOf } from "../../src/raft/types.ts";
import type { SimMember } from "./member.ts";
import type { Fault } from "./plan.ts";
import type { World } from "./world.ts";

type MembershipFault = Extract<Fault, { kind: "membership" }>;

/**
 * Does to a cluster what operators and the runtime's join logic do: adds, removes
 * and replaces members, and promotes those that caught up.
 */
export class Operator {
  readonly #world: World;
  /** Incarnations whose volume is lost and that were voters or learners then. */
  readonly #forgotten = new Set<MemberId>();
  /** Learners that are to become voters once they have caught up. */
  readonly #promising = new Set<MemberId>();
  /** Leaders that were asked for a change and have not begun it. */
  readonly #waiting = new Set<SimMember>();

  /** Looks after `world` every now and then. */
  constructor(world: World, everyMs: number) {
    this.#world = world;
    const loop = (): void => {
      this.#maintain();
      world.scheduler.after(everyMs, loop);
    };
    world.scheduler.after(everyMs, loop);
  }

  /** Whether every lost member has been replaced. */
  get settled(): boolean {
    return this.#forgotten.size === 0 && this.#promising.size === 0;
  }

  /** Members whose promises are lost. */
  get forgotten(): ReadonlySet<MemberId> {
    return this.#forgotten;
  }

  /** Whether all configurations that may decide keep a remembering majority without `members`. */
  survivesWithout(members: ReadonlySet<MemberId>): boolean {
    if ([...this.#waiting].some(({ alive }) => alive)) return false;
    const lost = new Set([...members, ...this.#forgotten]);
    for (const node of this.#world.nodes) {
      if (node.atRisk) lost.add(node.member);
    }
    const configs = this.#world.oracle.configsInPlay();
    for (const { process } of this.#world.nodes) {
      // Its newest may not have reached its log yet.
      if (process !== null) configs.push(process.core.config);
    }
    return configs.every((config) =>
      [config.voters, config.votersOutgoing].every((voters) => {
        const left = voters.filter((v) => !lost.has(v));
        return voters.length === 0 || left.length * 2 > voters.length;
      })
    );
  }

  /** A member's volume is gone. */
  forget(member: MemberId): void {
    this.#forgotten.add(member);
    this.#promising.delete(member);
  }

  /** Carries out a drawn change, if it makes sense now. */
  change({ action, node }: MembershipFault): void {
    const leader = this.#world.leader();
    if (leader === null || this.#waiting.has(leader)) return;
    const { config } = leader.core;
    const member =
      this.#world.nodeOf(node === 0 ? nodeIdOf(leader.member) : node).member;
    const risky = this.#world.nodes.filter((n) => n.atRisk)
      .some((n) => isVoter(config, n.member));
    if ((this.#forgotten.size > 0 || risky) && action !== "add") return;
    const change = this.#changeFor(action, member, config.voters);
    if (change === null || !this.#leavesMajority(config.voters, change)) return;
    this.#begin(leader, change, (outcome) =>
      this.#world.trace.add(
        this.#world.now,
        "membership",
        action,
        member,
        outcome.kind === "refused" ? outcome.reason : outcome.kind,
      ));
  }

  /** Whether the new voters can decide even if those with nothing yet start over. */
  #leavesMajority(
    voters: readonly MemberId[],
    { promote = [], demote = [], remove = [] }: MembershipChange,
  ): boolean {
    const gone = new Set([...demote, ...remove]);
    const next = [...voters.filter((v) => !gone.has(v)), ...promote];
    const sure = next.filter((v) => {
      const node = this.#world.nodeOf(nodeIdOf(v));
      return node.member === v && !node.atRisk;
    });
    return sure.length * 2 > next.length;
  }

  #changeFor(
    action: MembershipFault["action"],
    member: MemberId,
    voters: readonly MemberId[],
  ): MembershipChange | null {
    const config = this.#world.leader()!.core.config;
    const voting = isVoter(config, member);
    const learning = config.learners.includes(member);
    switch (action) {
      case "add":
        if (voting || learning) return null;
        this.#world.boot(nodeIdOf(member));
        return { addLearners: [member] };
      case "promote":
        return learning ? { promote: [member] } : null;
      case "demote":
        return voting && voters.length > 1 ? { demote: [member] } : null;
      case "remove":
        if (voting && voters.length < 2) return null;
        return voting || learning ? { remove: [member] } : null;
      case "swap": {
        const spare = this.#world.spare(config);
        if (spare === null || !voting) return null;
        this.#world.boot(nodeIdOf(spare));
        return { addLearners: [spare], promote: [spare], remove: [member] };
      }
    }
  }

  #maintain(): void {
    const leader = this.#world.leader();
    if (leader === null || this.#waiting.has(leader)) return;
    const { config } = leader.core;
    for (const member of this.#forgotten) {
      if (isMember(config, member)) continue;
      // Gone for good once the committed configuration says so.
      if (!isMember(this.#world.oracle.config, member)) {
        this.#forgotten.delete(member);
        this.#world.probes.hit("voterReplaced");
      }
    }
    if (isJoint(config)) return;
    const lost = [...this.#forgotten].find((m) => isMember(config, m));
    if (lost !== undefined) return this.#replace(lost);
    for (const member of this.#promising) {
      if (config.learners.includes(member)) return this.#promote(member);
      this.#promising.delete(member);
    }
  }

  #replace(lost: MemberId): void {
    const leader = this.#world.leader()!;
    const { config } = leader.core;
    const successor = this.#world.nodeOf(nodeIdOf(lost)).member;
    const known = isMember(config, successor);
    const voted = config.voters.includes(lost);
    if (voted && config.voters.length === 1) return;
    this.#world.boot(nodeIdOf(lost));
    this.#begin(leader, {
      remove: [lost],
      addLearners: known ? [] : [successor],
    }, (outcome) => {
      if (outcome.kind !== "refused" && voted) this.#promising.add(successor);
    });
  }

  #promote(member: MemberId): void {
    const leader = this.#world.leader()!;
    const status = leader.core.status();
    const progress = status.progress.find((p) => p.member === member);
    if (progress === undefined || progress.match + 5 < status.commit) return;
    const change = { promote: [member] };
    const { voters } = leader.core.config;
    if (!this.#world.healed && !this.#leavesMajority(voters, change)) return;
    this.#begin(leader, change, () => {});
  }

  /** A change that has to wait for a write counts as one that is made: nobody's memory may be lost meanwhile. */
  #begin(
    leader: SimMember,
    change: MembershipChange,
    done: (outcome: Outcome) => void,
  ): void {
    let waits = true;
    leader.group.changeMembership(change, (outcome) => {
      waits = false;
      this.#waiting.delete(leader);
      done(outcome);
    });
    if (waits) this.#waiting.add(leader);
  }
}
