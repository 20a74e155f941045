import type { Network } from "../../network/port.ts";
import { latestConfiguration } from "../volume/boot.ts";
import type { RaftGroup } from "../../group/group.ts";
import { type MemberId, type NodeId, nodeIdOf } from "../../raft/types.ts";
import type { Clock } from "../../util/clock.ts";
import type { Logger } from "../../util/logger.ts";
import type { StateHash } from "../../state/port.ts";
import { memberIdOf, type Witnessed } from "../volume/identity.ts";
import type { NodeVault } from "../volume/vault.ts";
import type { PeerHandler, PeerRequests } from "../../network/requests.ts";
import { Disagreements } from "./disagreements.ts";
import {
  acknowledgedBy,
  leaderOf,
  successorOf,
  testimonyOf,
} from "./testimony.ts";
import { type Testimony, type Verdict, Witness } from "./witness.ts";

/** Of a member that the cluster has removed, for the log and the health status. */
export const REMOVED =
  "this member was removed from the cluster: stop it, or add it again with `hiqlite cluster add-learner`";

/** What greetings need from their node. */
export interface GreetingPorts {
  readonly network: Network;
  readonly requests: PeerRequests;
  readonly vault: NodeVault;
  readonly clock: Clock;
  readonly logger: Logger;
  /** How long silence must last until it means that somebody is not there, ms. */
  readonly patienceMs: number;
  /** Whether the log's durable end is a promise; see `log_sync`. */
  readonly promises: boolean;
  /** All other nodes it knows. */
  nodes(): readonly NodeId[];
  group(): RaftGroup | null;
  stopping(): boolean;
  /** Nobody contradicts what this member remembers: it takes part from now on. */
  takePart(): void;
  /** What this member has is not what it or the others had: it is given up, for `reason`. */
  rebuild(reason: string): Promise<void>;
}

/** Compares what this member has with what the others remember of it: before it takes part, and again and again after. */
export class Greeting {
  readonly #ports: GreetingPorts;
  readonly #witness: Witness;
  /** With whom this member's state disagrees. */
  readonly disagreements: Disagreements;
  #busy = false;
  #removed = false;
  #told: Testimony | null = null;
  /** What somebody holds against this member, and no majority with it. */
  #doubt: string | null = null;
  /** Since when enough others find no contradiction. */
  #enoughSince: number | null = null;

  /** Asks nobody yet. */
  constructor(ports: GreetingPorts) {
    const { network, requests, vault } = ports;
    this.#ports = ports;
    this.disagreements = new Disagreements(ports.logger);
    this.#witness = new Witness({
      network,
      requests,
      disagreements: this.disagreements,
      self: () => memberIdOf(vault.identity),
      testimony: () =>
        this.#told = testimonyOf(vault, ports.group(), ports.promises),
      acknowledged: (member) =>
        ports.promises ? acknowledgedBy(ports.group(), member) : null,
      leader: () => leaderOf(ports.group()),
      memorized: () => Object.values(vault.identity.witnessed ?? {}),
      memorize: (start) => this.#memorize(start),
      successor: (member, term) => successorOf(ports.group(), member, term),
    });
  }

  /** The last checksum of its state that this member told its witnesses; null before the first. */
  get checksum(): Pick<StateHash, "index" | "hash"> | null {
    const { index, hash } = this.#told?.hashes.at(-1) ?? {};
    return index === undefined || hash === undefined ? null : { index, hash };
  }

  /** Whether a leader said last that this member was removed from the cluster. */
  get removed(): boolean {
    return this.#removed;
  }

  /** What somebody holds against what this member remembers, while no majority says the same; null if nobody does. */
  get doubt(): string | null {
    return this.#doubt;
  }

  /** What this member serves to others as their witness. */
  handlers(): Record<string, PeerHandler> {
    return this.#witness.handlers();
  }

  /** Whether `member` is known to have taken part. */
  remembers(member: MemberId): boolean {
    return this.#witness.remembers(member);
  }

  /** A member with memories takes part only when the others do not contradict them. */
  async greet(): Promise<void> {
    if (this.#ports.group() !== null) return;
    await this.#alone(async () => {
      const { voters } = latestConfiguration(this.#ports.vault.storage);
      const verdict = await this.#witness.greet(voters, this.#ports.nodes());
      if (this.#ports.stopping()) return;
      this.#noteRemoval(verdict);
      this.#noteDoubt(verdict, "takes no part and keeps its data");
      if (this.#mayTakePart(verdict)) this.#ports.takePart();
      if (verdict.kind === "rolledBack") {
        await this.#ports.rebuild(verdict.detail);
      }
    });
  }

  /** Tells the others what this member has, and hears whether its state is theirs. */
  async report(): Promise<void> {
    const group = this.#ports.group();
    // One that is still asking to be let in is in nobody's place.
    if (group === null || this.#ports.vault.identity.phase === "joining") {
      return;
    }
    await this.#alone(async () => {
      const { voters } = group.core.config;
      // Who knows better may not have been there when this member started.
      const verdict = await this.#witness.report(voters);
      this.#noteRemoval(verdict);
      this.#noteDoubt(verdict, "goes on and keeps its data");
      const problem = verdict.kind === "rolledBack"
        ? verdict.detail
        : this.#witness.divergence(voters);
      if (problem === null || this.#ports.group() !== group) return;
      if (!this.#ports.stopping()) await this.#ports.rebuild(problem);
    });
  }

  /** It keeps its place in the log, so that an operator can add it again. */
  #noteRemoval({ kind }: Verdict): void {
    const removed = kind === "removed";
    if (removed && !this.#removed) this.#ports.logger.warn(REMOVED);
    this.#removed = removed;
  }

  /** One voice, which may be that of a member with damage of its own, moves nobody's data. */
  #noteDoubt(verdict: Verdict, so: string): void {
    const doubt = verdict.kind === "doubted"
      ? `node ${verdict.node} says that this member's data is an old copy (${verdict.detail}), and no majority of the voters says so: this member ${so}. If it is right, stop this member, empty its data directory and start it again; if not, look at node ${verdict.node}`
      : null;
    if (doubt !== null && doubt !== this.#doubt) this.#ports.logger.warn(doubt);
    this.#doubt = doubt;
  }

  /**
   * The member counts itself, so the only one who remembers more may be missing in
   * a majority: whoever is there is heard, and who is silent for long is not there.
   * If none of the voters it remembers are left, a leader's word will do, who was
   * in touch with a majority just now.
   */
  #mayTakePart(verdict: Verdict): boolean {
    const enough = verdict.kind === "confirmed" ||
      verdict.kind === "removed" ||
      verdict.kind === "waiting" && verdict.vouched;
    if (!enough) return false;
    if (verdict.kind === "confirmed" && verdict.silent === 0) return true;
    const now = this.#ports.clock.monotonic();
    this.#enoughSince ??= now;
    return now - this.#enoughSince >= this.#ports.patienceMs;
  }

  #memorize(start: Witnessed): void {
    const { vault, logger } = this.#ports;
    const { identity } = vault;
    const witnessed = {
      ...identity.witnessed,
      [nodeIdOf(start.member)]: start,
    };
    try {
      vault.save({ ...identity, witnessed });
    } catch (error) {
      // This process remembers it all the same.
      logger.warn((error as Error).message);
    }
  }

  /** One at a time, and none while the member stops. */
  async #alone(run: () => Promise<void>): Promise<void> {
    if (this.#busy || this.#ports.stopping()) return;
    this.#busy = true;
    try {
      await run();
    } finally {
      this.#busy = false;
    }
  }
}
