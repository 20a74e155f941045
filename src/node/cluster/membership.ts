import { addressProblem } from "../../config/address.ts";
import type { NodeAddress } from "../../config/types.ts";
import { HiqliteError } from "../../errors.ts";
import type { Network } from "../../network/port.ts";
import {
  isJoint,
  isMember,
  membersOf,
  sorted,
} from "../../raft/configuration.ts";
import type { MembershipChange, Outcome } from "../../raft/io.ts";
import type { Configuration, MemberId, NodeId } from "../../raft/types.ts";
import { nodeIdOf } from "../../raft/types.ts";
import { type ClusterFacts, tooOld } from "../../state/cluster_facts.ts";
import type { Clock } from "../../util/clock.ts";
import type { RaftGroup } from "../../group/group.ts";
import type { Identity } from "../volume/identity.ts";
import {
  decodeJson,
  encodeJson,
  type PeerHandler,
} from "../../network/requests.ts";
import type { PeerRequests } from "../../network/requests.ts";
import type { ClusterStatus, MembershipRequest } from "../port.ts";

/** How long a change may take. */
const CHANGE_MS = 15_000;
const TRANSFER_MS = 5_000;

/** What membership changes need from their node. */
export interface MembershipPorts {
  readonly network: Network;
  readonly requests: PeerRequests;
  readonly clock: Clock;
  group(): RaftGroup | null;
  identity(): Identity;
  /** Keeps the address of a node that was added at run time. */
  remember(node: NodeAddress): void;
  /** What the cluster knows of itself. */
  facts(): ClusterFacts;
  status(): ClusterStatus;
}

/** An operation, as it travels to the leader. */
type Operation =
  | { readonly kind: "change"; readonly request: MembershipRequest }
  | { readonly kind: "transfer"; readonly target: NodeId | null };

type OperationAnswer =
  | { readonly ok: true }
  | {
    readonly ok: false;
    readonly code: "conflict" | "invalid" | "no_leader" | "timeout";
    readonly message: string;
  };

interface OperationWaiter {
  readonly deadline: number;
  /** The answer once the operation has ended; null while it goes on. */
  readonly poll: () => OperationAnswer | null;
  readonly done: (answer: OperationAnswer) => void;
}

/** Changes of membership and leader transfers, asked of any member and done by the leader. */
export class Membership {
  readonly #ports: MembershipPorts;
  readonly #waiters = new Set<OperationWaiter>();

  /** Polls its operations in {@linkcode tick}. */
  constructor(ports: MembershipPorts) {
    this.#ports = ports;
  }

  /** What a leader serves to other members. */
  handlers(): Record<string, PeerHandler> {
    return {
      "cluster.operate": async (_from, body, answer) => {
        const operation = decodeJson(body) as Operation;
        answer(true, encodeJson(await this.#operate(operation)));
      },
      "cluster.address": (_from, body, answer) => {
        this.#ports.remember(decodeJson(body) as NodeAddress);
        answer(true, encodeJson(null));
      },
    };
  }

  /** See {@linkcode Member.changeMembership}. */
  async change(request: MembershipRequest): Promise<ClusterStatus> {
    checkAddress("raftAddress", request.raftAddress);
    checkAddress("apiAddress", request.apiAddress);
    return await this.#run({ kind: "change", request }, CHANGE_MS);
  }

  /** See {@linkcode Member.transferLeadership}. */
  transfer(target?: NodeId): Promise<ClusterStatus> {
    return this.#run({ kind: "transfer", target: target ?? null }, TRANSFER_MS);
  }

  /** Looks after operations under way. Call it a few times a second. */
  tick(): void {
    const now = this.#ports.clock.monotonic();
    for (const waiter of this.#waiters) {
      const answer = waiter.poll() ??
        (now >= waiter.deadline
          ? failure("timeout", "It was not done in time: look at the status")
          : null);
      if (answer === null) continue;
      this.#waiters.delete(waiter);
      waiter.done(answer);
    }
  }

  async #run(operation: Operation, timeoutMs: number): Promise<ClusterStatus> {
    const group = this.#ports.group();
    const leader = group?.core.leader ?? null;
    if (group === null || leader === null) {
      throw new HiqliteError("no_leader", "No leader is known: try again");
    }
    const answer = leader === group.core.status().id
      ? await this.#operate(operation)
      : await this.#ask(leader, operation, timeoutMs + 1_000);
    if (!answer.ok) throw new HiqliteError(answer.code, answer.message);
    return this.#ports.status();
  }

  async #ask(
    leader: MemberId,
    operation: Operation,
    timeoutMs: number,
  ): Promise<OperationAnswer> {
    const answer = await this.#ports.requests.askWithin(
      timeoutMs,
      nodeIdOf(leader),
      "cluster.operate",
      encodeJson(operation),
      "control",
    );
    switch (answer.kind) {
      case "ok":
        return decodeJson(answer.body) as OperationAnswer;
      case "error":
        return failure("conflict", new TextDecoder().decode(answer.body));
      default:
        return failure(
          "timeout",
          "The leader did not answer: look at the status",
        );
    }
  }

  #operate(operation: Operation): Promise<OperationAnswer> {
    const group = this.#ports.group();
    if (group === null || group.core.role !== "leader") {
      return Promise.resolve(
        failure("no_leader", "Leadership has moved: look at the status"),
      );
    }
    return operation.kind === "transfer"
      ? this.#transfer(group, operation.target)
      : this.#change(group, operation.request);
  }

  async #transfer(
    group: RaftGroup,
    target: NodeId | null,
  ): Promise<OperationAnswer> {
    const { core } = group;
    const member = target === null ? null : find(core.config, target);
    if (target !== null && member === null) {
      return notAMember(core.config, target);
    }
    if (member !== null && member === core.leader) return { ok: true };
    const outcome = group.transferLeadership(member);
    if (outcome.kind === "refused") return refused(outcome);
    return await this.#until(
      this.#in(TRANSFER_MS),
      () =>
        core.role !== "leader" && core.leader !== null
          ? { ok: true }
          : core.role === "leader" && core.status().transferee === null
          ? failure("timeout", givenUp(target))
          : null,
    );
  }

  async #change(
    group: RaftGroup,
    request: MembershipRequest,
  ): Promise<OperationAnswer> {
    const deadline = this.#in(CHANGE_MS);
    const change = request.action === "add-learner"
      ? await this.#additionOf(group, request, deadline)
      : changeOf(group.core.config, request);
    if ("ok" in change) return change;
    const refusal = await this.#propose(group, change, deadline);
    if (refusal !== null) return refusal;
    const { core } = group;
    const { term } = core;
    return await this.#until(deadline, () => {
      const { configIndex } = core.status();
      if (core.commit >= configIndex && !isJoint(core.config)) {
        return { ok: true };
      }
      return core.term === term ? null : failure(
        "timeout",
        "Leadership was lost meanwhile: look at the status",
      );
    });
  }

  /** Starts a change, once its learner has caught up; returns why not. */
  async #propose(
    group: RaftGroup,
    change: MembershipChange,
    deadline: number,
  ): Promise<OperationAnswer | null> {
    let outcome: Outcome | null = null;
    let asking = false;
    const ask = (): void => {
      asking = true;
      group.changeMembership(change, (answer) => {
        asking = false;
        outcome = answer;
      });
    };
    const decided = (): Outcome | null => {
      if (!asking && (outcome === null || lags(outcome))) ask();
      return outcome === null || lags(outcome) ? null : outcome;
    };
    const answer = await this.#until(
      deadline,
      () => decided() === null ? null : { ok: true },
    );
    if (outcome === null) return answer.ok ? null : answer;
    return (outcome as Outcome).kind === "refused"
      ? refused(outcome as Outcome & { kind: "refused" })
      : null;
  }

  /** A node is added under the incarnation it has now, so it must be reachable. */
  async #additionOf(
    group: RaftGroup,
    request: MembershipRequest,
    deadline: number,
  ): Promise<MembershipChange | (OperationAnswer & { ok: false })> {
    const { nodeId, raftAddress, apiAddress } = request;
    if (find(group.core.config, nodeId) !== null) {
      return failure("conflict", `Node ${nodeId} is a member already`);
    }
    if (raftAddress !== undefined) {
      const node = { id: nodeId, raft: raftAddress, api: apiAddress ?? "" };
      this.#ports.remember(node);
      this.#tellAddress(group, node);
    }
    await this.#until(
      deadline,
      () => this.#ports.network.peer(nodeId) ? { ok: true } : null,
    );
    const peer = this.#ports.network.peer(nodeId);
    if (peer === undefined) {
      return failure(
        "timeout",
        raftAddress === undefined
          ? `Node ${nodeId} cannot be reached: start it, and give its raft address`
          : `Node ${nodeId} cannot be reached at ${raftAddress}: start it, and check the address`,
      );
    }
    const old = tooOld(this.#ports.facts(), peer.level, `node ${nodeId}`);
    return old === null
      ? { addLearners: [peer.id] }
      : failure("conflict", `Node ${nodeId} cannot be added: ${old}`);
  }

  #tellAddress(group: RaftGroup, node: NodeAddress): void {
    for (const member of membersOf(group.core.config)) {
      const id = nodeIdOf(member);
      if (member === group.core.leader) continue;
      this.#ports.requests.ask(
        id,
        "cluster.address",
        encodeJson(node),
        () => {},
        "control",
      );
    }
  }

  #in(ms: number): number {
    return this.#ports.clock.monotonic() + ms;
  }

  #until(
    deadline: number,
    poll: () => OperationAnswer | null,
  ): Promise<OperationAnswer> {
    const answer = poll();
    if (answer !== null) return Promise.resolve(answer);
    return new Promise((done) => {
      this.#waiters.add({ deadline, poll, done });
    });
  }
}

function changeOf(
  config: Configuration,
  { action, nodeId }: MembershipRequest,
): MembershipChange | (OperationAnswer & { ok: false }) {
  const member = find(config, nodeId);
  if (member === null || !isMember(config, member)) {
    return notAMember(config, nodeId);
  }
  switch (action) {
    case "promote":
      return { promote: [member] };
    case "demote":
      return { demote: [member] };
    case "remove":
      return { remove: [member] };
    case "add-learner":
      return failure("conflict", `Node ${nodeId} is a member already`);
  }
}

function notAMember(
  config: Configuration,
  nodeId: NodeId,
): OperationAnswer & { ok: false } {
  const nodes = sorted(membersOf(config)).map(nodeIdOf).join(", ");
  return failure(
    "invalid",
    `Node ${nodeId} is not a member: members are the nodes ${nodes}`,
  );
}

function givenUp(target: NodeId | null): string {
  return target === null
    ? "The transfer was given up: no other voter took over in time"
    : `The transfer was given up: node ${target} did not take over in time. Is it up, and can it reach the others?`;
}

/** @throws {HiqliteError} `invalid` */
function checkAddress(name: string, address: string | undefined): void {
  const problem = address === undefined ? null : addressProblem(address);
  if (problem !== null) {
    throw new HiqliteError("invalid", `${name}: ${problem}`);
  }
}

function find(config: Configuration, nodeId: NodeId): MemberId | null {
  return membersOf(config).find((id) => nodeIdOf(id) === nodeId) ?? null;
}

function lags(outcome: Outcome): boolean {
  return outcome.kind === "refused" && outcome.reason === "lagging";
}

function refused(outcome: Outcome & { kind: "refused" }): OperationAnswer {
  return failure(
    outcome.reason === "invalid" ? "invalid" : "conflict",
    outcome.detail,
  );
}

function failure(
  code: (OperationAnswer & { ok: false })["code"],
  message: string,
): OperationAnswer & { ok: false } {
  return { ok: false, code, message };
}
