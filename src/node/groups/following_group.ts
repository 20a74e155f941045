import type { RaftGroup } from "../../group/group.ts";
import type { GroupId } from "../../group/messages.ts";
import type { GroupRouter } from "../../network/group_router.ts";
import type { Network, PeerIdentity } from "../../network/port.ts";
import { isVoter, membersOf } from "../../raft/configuration.ts";
import {
  type Configuration,
  type MemberId,
  type NodeId,
  nodeIdOf,
} from "../../raft/types.ts";
import {
  type ClusterFacts,
  type Epoch,
  type FactChange,
  voterSetsOf,
} from "../../state/cluster_facts.ts";
import { HiqliteError } from "../../errors.ts";
import { type Divergence, StateDamagedError } from "../../state/port.ts";
import type { PeerRequests } from "../../network/requests.ts";
import type { Clock } from "../../util/clock.ts";
import type { Changes } from "../changes.ts";
import type { Logger } from "../../util/logger.ts";
import { isFull } from "../../group/disk_room.ts";
import type { GroupHome, KeptHome } from "../volume/home.ts";
import type { GroupStorage } from "../volume/vault.ts";
import type { FollowingSpec, GroupInit, LoopPorts } from "./spec.ts";
import { type FollowedNode, followingStep } from "./following.ts";
import { encodeLeave, LEAVE } from "./leaving.ts";
import { markOf, memberIn } from "./marks.ts";
import { NextEpoch } from "./next_epoch.ts";
import type { RollCallAnswer } from "./roll_call.ts";
import { isSettled, neededSets, votersAfter } from "./voter_sets.ts";
import { HostedGroup } from "./hosted_group.ts";

/** What a following group needs from its member. */
export interface FollowingGroupPorts {
  readonly spec: FollowingSpec;
  /** Where it has what it knows of the group. */
  readonly home: GroupHome;
  readonly network: Network;
  readonly router: GroupRouter;
  readonly requests: PeerRequests;
  readonly changes: Changes;
  readonly clock: Clock;
  readonly logger: Logger;
  /** What this member says of itself. */
  self(): PeerIdentity;
  /** The loop of the durable group; null while this member takes no part in it. */
  durable(): RaftGroup | null;
  /** What the durable group knows of the cluster. */
  facts(): ClusterFacts;
  level(): number;
  /** Asks the durable group for a change; nobody waits for it. */
  change(change: FactChange): void;
  create(init: GroupInit, ports: LoopPorts): RaftGroup;
  leaderChanged(): void;
  /** See `HostedGroupPorts.diverged`. */
  diverged(divergence: Divergence): void;
  failed(error: Error): void;
  /** Hears of the group's steps. */
  readonly traced: { stepped(group: GroupId): void };
  /** See `HostedGroupPorts.sinceTickMs`. */
  sinceTickMs(): number;
}

/**
 * A group whose members are the durable group's. A voter that forgets its votes must not vote again, so a
 * member is a node and a mark, which is another one once it has forgotten anything: with each start of a
 * group in memory, and when what was on the disk is lost. Under another mark it is another member, which the
 * group's leader puts in the place of the dead one. When and with whom the group's life began is a fact of the durable group.
 */
export class FollowingGroup {
  readonly hosted: HostedGroup;
  readonly #ports: FollowingGroupPorts;
  #epoch: Epoch | null = null;
  /** As whom it entered the epoch. */
  #entered: MemberId | null = null;
  #storage: GroupStorage | null = null;
  /** What is on the disk is being opened. */
  #opening: Promise<void> | null = null;
  #closed = false;
  /** Whether there was no room to begin in. */
  #full = false;
  /** Ids in the present epoch; they are asked for with every frame. */
  #ids = new WeakMap<PeerIdentity, MemberId>();
  /** Members whose processes are about to end. */
  readonly #leaving = new Map<NodeId, MemberId>();
  #askedToGo = false;
  #gone = false;
  /** The change of voters that it proposed last: until it is known whether that took effect, nothing older is acted upon. */
  #proposed = { epoch: 0, number: 0 };
  readonly #nextEpoch: NextEpoch;

  /** Takes no part until {@linkcode tick} finds an epoch. */
  constructor(ports: FollowingGroupPorts) {
    this.#ports = ports;
    this.hosted = new HostedGroup({
      ...ports,
      id: ports.spec.id,
      name: ports.spec.name,
      self: () => this.#memberOf(ports.self()),
      epoch: () => this.#epoch?.number ?? 0,
      memberOf: (peer) => this.#memberOf(peer),
      create: (loop) => this.#create(loop),
      stepped: () => ports.traced.stepped(ports.spec.id),
      failed: (error) => this.failed(error),
    });
    this.#nextEpoch = new NextEpoch({
      ...ports,
      hosted: this.hosted,
      answer: (epoch) => this.answerCall(epoch),
      followed: (config, epoch) => this.#followed(config, epoch),
    });
  }

  /**
   * Takes the next step towards what the durable group says, which a member that
   * was `removed` from it does not hear any more. Call it a few times a second.
   */
  tick(removed: boolean): void {
    const durable = this.#ports.durable();
    if (durable === null || this.#opening !== null) return;
    const epoch = this.#ports.facts().epochs.get(this.#ports.spec.id);
    if (epoch === undefined) return this.#nextEpoch.begin(durable);
    // A member that was rebuilt counts as a new start, and its id here says so.
    const same = epoch.number === this.#epoch?.number &&
      this.hosted.self === this.#entered;
    if (!same) this.#enter(epoch);
    if (this.#opening !== null) return;
    const { group } = this.hosted;
    if (group?.core.role !== "leader") {
      return this.#nextEpoch.lookForLoss(durable, epoch);
    }
    if (removed) return void group.transferLeadership(null);
    this.#follow(group, durable, epoch);
  }

  /** Takes the next step of the group's leader. Nobody comes to vote before the durable group knows of it. */
  #follow(group: RaftGroup, durable: RaftGroup, epoch: Epoch): void {
    const status = group.core.status();
    const nodes = this.#followed(durable.core.config);
    const step = followingStep(status.config, nodes);
    const known = voterSetsOf(epoch);
    const wanted = step === null
      ? status.config.voters
      : votersAfter(status.config, step);
    const settled = isSettled(status, (index) => group.log.termAt(index));
    const open = this.#proposed.epoch === epoch.number &&
      this.#proposed.number > known.number;
    const needed = neededSets(known, status, wanted, settled, open);
    if (needed !== null) {
      this.#proposed = { epoch: epoch.number, number: needed.number };
      const { id } = this.#ports.spec;
      this.#ports.change({
        kind: "voters",
        group: id,
        epoch: epoch.number,
        voters: needed,
      });
    } else if (step !== null) {
      // A refusal is for now: the next call tries again.
      group.changeMembership(step);
    }
  }

  /**
   * Answers a roll call. Who does not lead tells what is in its log: nothing else can come into it without a
   * leader, which is one of the living and answers for itself, or one of a later term, which has to speak of the voters first.
   */
  answerCall(epoch: number): RollCallAnswer {
    const mark = markOf(this.#ports.self(), this.#ports.spec.id)!;
    const { group } = this.hosted;
    if (
      group === null || group.core.role === "leader" ||
      epoch !== this.#epoch?.number
    ) return { mark, voters: null };
    const setsOf = ({ voters, votersOutgoing }: Configuration) =>
      [voters, votersOutgoing].filter(({ length }) => length > 0);
    const { core } = group;
    return this.#ports.home.forgets
      ? { mark, voters: setsOf(core.config), last: core.status().last }
      : { mark, voters: core.configs.flatMap(setsOf) };
  }

  /** A member stops. Whether it is out of the group, which only the leader says. */
  letGo(peer: PeerIdentity): boolean {
    const member = this.#memberOf(peer);
    this.#leaving.set(nodeIdOf(member), member);
    const { group } = this.hosted;
    if (group === null) return false;
    const status = group.core.status();
    return isSettled(status, (index) => group.log.termAt(index)) &&
      !membersOf(status.config).includes(member);
  }

  /** This member stops: if it will have forgotten everything, it asks the leader to let it go. True once it is gone, or nobody could do it. */
  leave(): boolean {
    const { group, self } = this.hosted;
    if (!this.#ports.home.forgets) return true;
    if (this.#gone || group === null) return true;
    const { leader, config } = group.core;
    const { requests, spec, network } = this.#ports;
    const company = config.voters.some((voter) =>
      voter !== self && network.peer(nodeIdOf(voter)) !== undefined
    );
    if (!company || leader === self) return true;
    if (leader === null || this.#askedToGo) return false;
    this.#askedToGo = true;
    const body = encodeLeave(spec.id);
    requests.ask(nodeIdOf(leader), LEAVE, body, ({ kind }) => {
      this.#gone = kind === "ok";
      this.#askedToGo = false;
    });
    return false;
  }

  /** Closes what it keeps. */
  async close(): Promise<void> {
    this.#closed = true;
    this.hosted.stop();
    await this.#opening;
    await this.#storage?.release();
    this.#storage = null;
  }

  /** What a read failed with, as whoever asked shall hear it: what is damaged here is given up. */
  explain(error: unknown): unknown {
    if (!(error instanceof StateDamagedError)) return error;
    this.failed(error);
    return new HiqliteError(
      "no_leader",
      "What this member has of the caches is damaged: it is being rebuilt from the others. Ask another one, or again in a moment",
      { cause: error },
    );
  }

  /** Something of this group cannot go on. If that is what it has on the disk, it does without, and the member goes on. */
  failed(error: Error): void {
    try {
      if (!this.#ports.home.giveUpFor(error)) this.#ports.failed(error);
    } catch (failure) {
      this.#ports.failed(failure as Error);
    }
  }

  #enter(epoch: Epoch): void {
    const { home } = this.#ports;
    this.hosted.leave();
    const released = this.#storage?.release();
    this.#storage = null;
    this.#epoch = epoch;
    this.#ids = new WeakMap();
    this.#leaving.clear();
    this.#entered = this.hosted.self;
    if (home.forgets) return this.#start(home.open());
    this.#opening = this.#open(home, released).catch((error) => {
      if (!isFull(error)) return this.#ports.failed(error);
      this.#entered = null;
      if (!this.#full) this.#ports.logger.warn(error.message);
      this.#full = true;
    }).finally(() => this.#opening = null);
  }

  /** Opens what is on the disk. If that is not to be relied upon, the next tick enters as somebody new. */
  async #open(
    home: KeptHome,
    released: Promise<void> | undefined,
  ): Promise<void> {
    await released;
    const storage = await home.open(this.#entered!, this.#epoch!.number);
    this.#full = false;
    if (storage === null) this.#entered = null;
    else if (this.#closed) await storage.release();
    else this.#start(storage);
  }

  #start(storage: GroupStorage): void {
    const { spec, logger } = this.#ports;
    const anew = storage.log.last.index === 0;
    this.#storage = storage;
    logger.info(
      `epoch ${this.#epoch!.number} ${anew ? "begins" : "goes on"}`,
      { group: spec.name },
    );
    this.hosted.start();
  }

  #create(ports: LoopPorts): RaftGroup {
    const { founding } = this.#epoch!;
    const id = this.hosted.self;
    const founds = membersOf(founding).includes(id);
    return this.#ports.create({
      starter: { id, founding: founds ? founding : null },
      storage: this.#storage!,
      options: this.#ports.spec.options,
    }, ports);
  }

  #memberOf(peer: PeerIdentity): MemberId {
    let id = this.#ids.get(peer);
    if (id === undefined) {
      const { number } = this.#epoch ?? { number: 1 };
      const mark = markOf(peer, this.#ports.spec.id);
      // Who does not host it is nobody there: no member of it has the durable group's id.
      id = mark === undefined
        ? peer.id
        : memberIn(number, nodeIdOf(peer.id), mark);
      this.#ids.set(peer, id);
    }
    return id;
  }

  #followed(
    config: Configuration,
    epoch = this.#epoch?.number ?? 1,
  ): FollowedNode[] {
    const { spec, network, self } = this.#ports;
    const own = self();
    const peerOf = (node: NodeId): PeerIdentity | undefined =>
      node === nodeIdOf(own.id) ? own : network.peer(node);
    return membersOf(config).map((member) => {
      const node = nodeIdOf(member);
      const peer = peerOf(node);
      const votes = isVoter(config, member);
      const mark = peer && markOf(peer, spec.id);
      if (mark === undefined) return { node, votes, member: null };
      const present = memberIn(epoch, node, mark);
      return this.#leaving.get(node) === present
        ? { node, votes, member: null, leaving: present }
        : { node, votes, member: present };
    });
  }
}
