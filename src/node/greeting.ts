import type { Network } from "../network/port.ts";
import { latestConfiguration } from "./boot.ts";
import type { RaftGroup } from "./group.ts";
import { membersOf } from "../raft/configuration.ts";
import {
  type LogId,
  type MemberId,
  nodeIdOf,
  type Term,
} from "../raft/types.ts";
import type { Clock } from "../util/clock.ts";
import type { Logger } from "../util/logger.ts";
import { memberIdOf, type Witnessed } from "./identity.ts";
import type { NodeVault } from "./parts.ts";
import type { PeerHandler, PeerRequests } from "./peer_requests.ts";
import { type Testimony, Witness } from "./witness.ts";

/** What greetings need from their node. */
export interface GreetingPorts {
  readonly network: Network;
  readonly requests: PeerRequests;
  readonly vault: NodeVault;
  readonly clock: Clock;
  readonly logger: Logger;
  /** How long a member that a majority confirms waits for those who did not answer, ms. */
  readonly patienceMs: number;
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
  #busy = false;
  /** When a majority first found no contradiction. */
  #confirmedAt: number | null = null;

  /** Asks nobody yet. */
  constructor(ports: GreetingPorts) {
    const { network, requests, vault } = ports;
    this.#ports = ports;
    this.#witness = new Witness({
      network,
      requests,
      self: () => memberIdOf(vault.identity),
      testimony: () => testimonyOf(vault, ports.group()),
      acknowledged: (member) => acknowledgedBy(ports.group(), member),
      memorized: () => Object.values(vault.identity.witnessed ?? {}),
      memorize: (start) => this.#memorize(start),
      successor: (member, term) => successorOf(ports.group(), member, term),
    });
  }

  /** What this member serves to others as their witness. */
  handlers(): Record<string, PeerHandler> {
    return this.#witness.handlers();
  }

  /** A member with memories takes part only when the others do not contradict them. */
  async greet(): Promise<void> {
    if (this.#ports.group() !== null) return;
    await this.#alone(async () => {
      const { voters } = latestConfiguration(this.#ports.vault.storage);
      const verdict = await this.#witness.greet(voters);
      if (this.#ports.stopping()) return;
      if (verdict.kind === "confirmed" && this.#heardEnough(verdict.silent)) {
        this.#ports.takePart();
      }
      if (verdict.kind === "rolledBack") {
        await this.#ports.rebuild(verdict.detail);
      }
    });
  }

  /** Tells the others what this member has, and hears whether its state is theirs. */
  async report(): Promise<void> {
    const group = this.#ports.group();
    if (group === null) return;
    await this.#alone(async () => {
      const { voters } = group.core.config;
      // Who knows better may not have been there when this member started.
      const verdict = await this.#witness.report(voters);
      const problem = verdict.kind === "rolledBack"
        ? verdict.detail
        : this.#witness.divergence(voters);
      if (problem === null || this.#ports.group() !== group) return;
      if (!this.#ports.stopping()) await this.#ports.rebuild(problem);
    });
  }

  /**
   * The member counts itself, so the only one who remembers more may be missing in
   * that majority: whoever is there is heard, and who is silent for long is not there.
   */
  #heardEnough(silent: number): boolean {
    const now = this.#ports.clock.monotonic();
    this.#confirmedAt ??= now;
    return silent === 0 || now - this.#confirmedAt >= this.#ports.patienceMs;
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

/** Nobody would ever speak to a replaced member again, and it would wait for a leader without end. */
function successorOf(
  group: RaftGroup | null,
  member: MemberId,
  term: Term,
): MemberId | null {
  // A member that knows a later term may be in a configuration that this leader missed.
  if (group?.core.role !== "leader" || term > group.core.term) return null;
  const { config, configIndex, commit } = group.core.status();
  const members = membersOf(config);
  if (configIndex > commit || members.includes(member)) return null;
  const node = nodeIdOf(member);
  return members.find((other) => nodeIdOf(other) === node) ?? null;
}

/** What this member has on its disk, as it tells the others. */
function testimonyOf(
  { identity, storage }: NodeVault,
  group: RaftGroup | null,
): Testimony {
  const { log, logRecovery, machine } = storage;
  const index = group?.durableIndex ?? log.last.index;
  const { boot, starts = [] } = identity;
  const last = { term: log.termAt(index) ?? log.base.term, index };
  return {
    boot,
    process: starts.at(-1) ?? "",
    starts,
    term: Math.max(logRecovery.hardState.term, last.term),
    last,
    hashes: machine.stateHashes(),
  };
}

/** What this member, as leader, counts as durable at another one. */
function acknowledgedBy(
  group: RaftGroup | null,
  member: MemberId,
): LogId | null {
  if (group?.core.role !== "leader") return null;
  const { term, progress } = group.core.status();
  const index = progress.find((peer) => peer.member === member)?.match ?? 0;
  return index === 0 ? null : { term, index };
}
