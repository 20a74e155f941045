import type { NodeAddress, NodeConfig } from "../../config/types.ts";
import type { Network, PeerIdentity } from "../../network/port.ts";
import { isMember, isVoter, sorted } from "../../raft/configuration.ts";
import type { Configuration, MemberId, NodeId } from "../../raft/types.ts";
import { nodeIdOf } from "../../raft/types.ts";
import { type ClusterFacts, tooOld } from "../../state/cluster_facts.ts";
import type { Logger } from "../../util/logger.ts";
import type { RaftGroup } from "../../group/group.ts";
import type { RestoreWish } from "./restore_turn.ts";
import { type Identity, memberIdOf } from "../volume/identity.ts";
import {
  decodeJson,
  encodeJson,
  type PeerHandler,
} from "../../network/requests.ts";
import type { PeerRequests } from "../../network/requests.ts";

/** What formation needs from its node. */
export interface FormationPorts {
  readonly config: NodeConfig;
  readonly network: Network;
  readonly requests: PeerRequests;
  readonly logger: Logger;
  identity(): Identity;
  /** Makes a new identity durable, tells the network, and starts the group; false if there is no room for it now. */
  adopt(identity: Identity): boolean;
  /** Becomes a new incarnation, of a volume from before its member took part. */
  renew(): void;
  /** Whether another member is known to have taken part. */
  remembers(member: MemberId): boolean;
  /** Null until the member belongs to a cluster. */
  group(): RaftGroup | null;
  newClusterId(): string;
  /** What the cluster knows of itself. */
  facts(): ClusterFacts;
}

/** A member that asks to be let in. */
interface JoinRequest {
  readonly member: MemberId;
  readonly learnerOnly: boolean;
}

/** The request by which a member asks another one whether a cluster may be formed. */
export const PROBE = "cluster.probe";

/** What a member says of itself when it is asked whether a cluster may be formed. */
interface ProbeAnswer extends RestoreWish {
  readonly member: MemberId;
  readonly learnerOnly: boolean;
  readonly founding: Configuration | null;
  /** See {@linkcode Identity.forgot}. */
  readonly forgot?: boolean;
  /** Whether it knows that the member that asks has taken part. */
  readonly remembers?: boolean;
}

const REQUEST_MS = 2_000;
/** A learner this close to the leader's last entry may become a voter. */
const CAUGHT_UP_ENTRIES = 1_000;
const PROGRESS_LINE_ATTEMPTS = 25;

/**
 * How a member comes to belong to a cluster, without manual steps. A cluster is
 * formed only when every configured node answers that it is new: "unreachable"
 * never means "new". A member that finds a cluster without being in it asks to
 * join; whatever stood under its node id before is replaced.
 */
export class Formation {
  readonly #ports: FormationPorts;
  #busy = false;
  #attempts = 0;
  #obstacle = "not in a cluster yet";

  /** Does nothing until {@linkcode attempt} is called. */
  constructor(ports: FormationPorts) {
    this.#ports = ports;
  }

  /** Why a member that is new is in no cluster yet. */
  get obstacle(): string {
    return this.#obstacle;
  }

  /** What this member serves to others. */
  handlers(): Record<string, PeerHandler> {
    return {
      [PROBE]: ({ id }, _body, answer) => {
        const remembers = this.#ports.remembers(id);
        answer(true, encodeJson({ ...this.#self(), remembers }));
      },
      "cluster.form": (from, body, answer) => {
        const refusal = this.#formed(from, body);
        answer(refusal === null, encodeJson(refusal));
      },
      "cluster.join": (from, body, answer) =>
        answer(true, encodeJson(this.#join(from, body))),
    };
  }

  /** Takes the next step, if there is one. Call it a few times a second. */
  async attempt(): Promise<void> {
    if (this.#busy) return;
    this.#busy = true;
    try {
      const { phase, founding } = this.#ports.identity();
      if (phase === "new") await this.#formOrFind();
      else if (phase === "joining") await this.#askToJoin();
      else if (founding !== null) await this.#tellFounders(founding);
    } finally {
      this.#busy = false;
    }
  }

  #self(): ProbeAnswer {
    const identity = this.#ports.identity();
    return {
      member: memberIdOf(identity),
      clusterId: identity.clusterId,
      learnerOnly: this.#ports.config.learnerOnly,
      founding: identity.founding,
      ...(identity.forgot ? { forgot: true } : {}),
      restored: identity.restored,
    };
  }

  async #formOrFind(): Promise<void> {
    const self = this.#self();
    const { nodes, nodeId } = this.#ports.config;
    const others = nodes.filter(({ id }) => id !== nodeId);
    const answers = await Promise.all(others.map((node) => this.#probe(node)));
    if (this.#ports.identity().phase !== "new") return;
    if (answers.some((answer) => answer?.remembers)) return this.#renew();
    const existing = answers.find((answer) => answer && answer.clusterId);
    if (existing) return this.#enter(existing);
    const missing = others.filter((_, i) => !answers[i]).map(({ id }) => id);
    if (missing.length > 0) return this.#waitFor(missing);
    if (answers.some((answer) => answer?.waitsFor)) {
      return this.#waitForRestore();
    }
    const forgetful = [self, ...answers].filter((answer) => answer?.forgot);
    if (forgetful.length > 0) return this.#refuseToForm(forgetful.length);
    const founder = Math.min(...nodes.map(({ id }) => id));
    if (founder !== nodeId) return;
    await this.#form([self, ...answers.filter((answer) => answer !== null)]);
  }

  async #probe(node: NodeAddress): Promise<ProbeAnswer | null> {
    const answer = await this.#ports.requests.askWithin(
      REQUEST_MS,
      node.id,
      PROBE,
      encodeJson(null),
      "control",
    );
    return answer.kind === "ok"
      ? decodeJson(answer.body) as ProbeAnswer | null
      : null;
  }

  #waitFor(missing: readonly NodeId[]): void {
    const text = `waiting for node ${
      missing.join(", ")
    }: a cluster is formed when every configured node answers`;
    if (this.#met(text)) this.#ports.logger.info(text);
  }

  #waitForRestore(): void {
    const text =
      "waiting for a restore: other nodes were told to (HQL_BACKUP_RESTORE), this one was not and joins them then";
    if (this.#met(text)) this.#ports.logger.info(text);
  }

  /** Notes why there is no cluster; whether it is time to say so. */
  #met(obstacle: string): boolean {
    const news = obstacle !== this.#obstacle;
    this.#obstacle = obstacle;
    return this.#attempts++ % PROGRESS_LINE_ATTEMPTS === 0 || news;
  }

  /** A cluster exists: one that counted this very incarnation in, or one to join. */
  #enter(existing: ProbeAnswer): void {
    const { forgot: _, ...identity } = this.#ports.identity();
    const { clusterId, founding } = existing;
    if (founding !== null && isMember(founding, memberIdOf(identity))) {
      this.#ports.adopt({ ...identity, clusterId, founding, phase: "forming" });
    } else {
      const text = `joining cluster ${clusterId}`;
      if (this.#met(text)) this.#ports.logger.info(text);
      this.#ports.adopt({ ...identity, clusterId, phase: "joining" });
    }
  }

  /** Whoever is in no cluster has never told anybody what it has. */
  #renew(): void {
    this.#ports.logger.warn(
      "this member has taken part in a cluster of which its volume knows nothing: it comes back as a new incarnation",
    );
    this.#ports.renew();
  }

  #refuseToForm(forgetful: number): void {
    const text =
      `no cluster is formed: ${forgetful} of the configured nodes had data, and lost the file that says whose. What they had is in quarantine/ of their data directories: move it back and run hiqlite cluster recover; or empty all data directories to begin anew`;
    if (this.#met(text)) this.#ports.logger.error(text);
  }

  async #form(members: readonly ProbeAnswer[]): Promise<void> {
    const ids = (learner: boolean): MemberId[] =>
      sorted(
        members.filter(({ learnerOnly }) => learnerOnly === learner)
          .map(({ member }) => member),
      );
    const founding: Configuration = {
      voters: ids(false),
      votersOutgoing: [],
      learners: ids(true),
      learnersNext: [],
    };
    if (founding.voters.length === 0) {
      const text = "no cluster is formed: every configured node is a learner";
      if (this.#met(text)) this.#ports.logger.error(text);
      return;
    }
    const clusterId = this.#ports.newClusterId();
    const identity = this.#ports.identity();
    this.#ports.logger.info(
      `forming cluster ${clusterId} of ${members.length} members`,
    );
    const formed = this.#ports.adopt({
      ...identity,
      clusterId,
      founding,
      phase: "forming",
    });
    if (formed) await this.#tellFounders(founding);
  }

  async #tellFounders(founding: Configuration): Promise<void> {
    const { clusterId } = this.#ports.identity();
    const waiting = [...founding.voters, ...founding.learners].filter(
      (member) => {
        const peer = this.#ports.network.peer(nodeIdOf(member));
        return peer?.id === member && peer.clusterId === "" &&
          !this.#ports.remembers(member);
      },
    );
    await Promise.all(waiting.map((member) =>
      this.#ports.requests.askWithin(
        REQUEST_MS,
        nodeIdOf(member),
        "cluster.form",
        encodeJson({ clusterId, founding }),
        "control",
      )
    ));
  }

  /** Returns null if this member is in the cluster now, else why not. */
  #formed(from: PeerIdentity, body: Uint8Array): string | null {
    const identity = this.#ports.identity();
    const form = decodeJson(body) as
      | { clusterId: string; founding: Configuration }
      | null;
    if (form === null || form.clusterId !== from.clusterId) return "malformed";
    if (identity.clusterId === form.clusterId) return null;
    if (identity.clusterId !== "") return "in another cluster";
    if (!isMember(form.founding, memberIdOf(identity))) return "not named";
    return this.#ports.adopt({ ...identity, ...form, phase: "forming" })
      ? null
      : "no room";
  }

  async #askToJoin(): Promise<void> {
    const group = this.#ports.group();
    if (group === null) return;
    const self = this.#self();
    const { leader } = group.core;
    const known = leader === null ? [] : [nodeIdOf(leader)];
    const { nodes, nodeId } = this.#ports.config;
    const others = nodes.map(({ id }) => id).filter((id) => id !== nodeId);
    for (const node of [...known, ...others]) {
      if (await this.#askNode(node, self)) return;
    }
  }

  /** Whether the node led and took the request. */
  async #askNode(node: NodeId, request: JoinRequest): Promise<boolean> {
    const answer = await this.#ports.requests.askWithin(
      REQUEST_MS,
      node,
      "cluster.join",
      encodeJson(request),
      "control",
    );
    if (answer.kind !== "ok") return false;
    const { state, detail } = decodeJson(answer.body) as {
      state: string;
      detail: string;
    };
    if (
      state === "refused" && this.#attempts++ % PROGRESS_LINE_ATTEMPTS === 0
    ) {
      this.#ports.logger.warn(`not let into the cluster yet: ${detail}`);
    }
    return state !== "not_leader";
  }

  /** The leader's side of a join; the asking member repeats it until it is what it wants to be. */
  #join(
    from: PeerIdentity,
    body: Uint8Array,
  ): { state: "not_leader" | "pending" | "refused"; detail: string } {
    const group = this.#ports.group();
    if (group === null || group.core.role !== "leader") {
      return { state: "not_leader", detail: "" };
    }
    const request = decodeJson(body) as JoinRequest | null;
    if (request === null || request.member !== from.id) {
      return { state: "refused", detail: "malformed request" };
    }
    const who = `node ${nodeIdOf(from.id)}`;
    const old = tooOld(this.#ports.facts(), from.level, who);
    if (old !== null) return { state: "refused", detail: old };
    const { member, learnerOnly } = request;
    const { config } = group.core;
    if (isVoter(config, member)) return { state: "pending", detail: "" };
    if (isMember(config, member)) {
      return learnerOnly
        ? { state: "pending", detail: "" }
        : this.#promote(group, member);
    }
    return this.#admit(group, config, member);
  }

  #promote(
    group: RaftGroup,
    member: MemberId,
  ): { state: "pending" | "refused"; detail: string } {
    const { progress, last } = group.core.status();
    const peer = progress.find((other) => other.member === member);
    if (
      peer?.state !== "replicate" || peer.match + CAUGHT_UP_ENTRIES < last.index
    ) return { state: "pending", detail: "catching up" };
    this.#ports.logger.info(
      `member ${member} has caught up: making it a voter`,
    );
    return this.#change(group, { promote: [member] });
  }

  /** Replaces whatever stood under the node id; a node nobody named needs an operator. */
  #admit(
    group: RaftGroup,
    config: Configuration,
    member: MemberId,
  ): { state: "pending" | "refused"; detail: string } {
    const nodeId = nodeIdOf(member);
    const all = [
      ...config.voters,
      ...config.votersOutgoing,
      ...config.learners,
    ];
    const old = all.filter((other) => nodeIdOf(other) === nodeId);
    const named = this.#ports.config.nodes.some(({ id }) => id === nodeId);
    if (old.length === 0 && !named) {
      return {
        state: "refused",
        detail:
          `node ${nodeId} is not in nodes: run hiqlite cluster add-learner ${nodeId}`,
      };
    }
    this.#ports.logger.info(
      old.length > 0
        ? `node ${nodeId} came back without its data: replacing ${
          old[0]
        } by ${member}`
        : `node ${nodeId} is new: adding ${member}`,
    );
    return this.#change(group, {
      remove: sorted(new Set(old)),
      addLearners: [member],
    });
  }

  #change(
    group: RaftGroup,
    change: Parameters<RaftGroup["changeMembership"]>[0],
  ): { state: "pending" | "refused"; detail: string } {
    let refused: string | null = null;
    group.changeMembership(change, (outcome) => {
      if (outcome.kind !== "refused" || outcome.reason !== "invalid") return;
      refused = outcome.detail;
    });
    // One that has to wait is asked for again, like one that is not committed yet.
    return refused === null
      ? { state: "pending", detail: "" }
      : { state: "refused", detail: refused };
  }
}
