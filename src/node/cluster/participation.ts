import { isMember, isVoter } from "../../raft/configuration.ts";
import type { StateDamagedError } from "../../state/port.ts";
import { selfOf } from "./addresses.ts";
import {
  type Identity,
  memberIdOf,
  newIncarnation,
} from "../volume/identity.ts";
import { isFull } from "../../group/disk_room.ts";
import type { HostedGroup } from "../groups/hosted_group.ts";
import type { NodeNetwork, NodeParts } from "../parts.ts";

/** What participation needs from its node. */
export interface ParticipationPorts {
  readonly parts: NodeParts;
  readonly network: NodeNetwork;
  /** The group whose log says who the members are. */
  readonly durable: HostedGroup;
  /** Whether the member is being shut down. */
  stopping(): boolean;
  failed(error: Error): void;
}

/** Under which identity this member takes part in the durable group, from its first start to a rebuild. */
export class Participation {
  readonly #ports: ParticipationPorts;
  #rebuilding = false;
  /** The log holds the first entry of a cluster that is being formed. */
  #founded = false;
  #full = false;

  /** Takes no part yet. */
  constructor(ports: ParticipationPorts) {
    this.#ports = ports;
  }

  /** Whether log and state are being given up. */
  get rebuilding(): boolean {
    return this.#rebuilding;
  }

  /** Whether its state tells nothing of the cluster's: it began with nothing, and misses what was committed by then. */
  get blank(): boolean {
    const { durable, parts } = this.#ports;
    if (durable.caughtUp) return false;
    const { phase } = parts.vault.identity;
    return durable.beganEmpty || phase === "new" || phase === "joining";
  }

  /** Takes part from now on, as whom the vault says. */
  start(): void {
    const { parts, durable, failed } = this.#ports;
    const group = durable.start();
    if (parts.vault.identity.phase !== "forming") return;
    // Only once the log holds the first entry may its absence mean that it was lost.
    group.log.sync((error) => {
      if (error !== null) return failed(error);
      this.#founded = true;
      this.settle();
    });
  }

  /**
   * Makes an identity durable; one in another cluster is a start there. False if
   * the disk is full: then nothing has changed, and it is worth trying again.
   */
  adopt(identity: Identity): boolean {
    const { parts, network } = this.#ports;
    const { vault } = parts;
    const entered = identity.clusterId !== vault.identity.clusterId;
    if (!this.#save(identity)) return false;
    if (!entered) return true;
    network.setIdentity(selfOf(identity, parts));
    this.start();
    return true;
  }

  #save(identity: Identity): boolean {
    const { vault, logger } = this.#ports.parts;
    try {
      vault.save(identity);
      this.#full = false;
      return true;
    } catch (error) {
      if (!isFull(error as Error)) throw error;
      if (!this.#full) {
        logger.warn(`waiting for room: ${(error as Error).message}`);
      }
      this.#full = true;
      return false;
    }
  }

  /** See {@linkcode FormationPorts.renew}. */
  renew(): void {
    const { parts, network } = this.#ports;
    const { vault } = parts;
    if (!this.#save(newIncarnation(vault.identity))) return;
    network.setIdentity(selfOf(vault.identity, parts));
  }

  /** Notes it when a founder has its first entry, or one that asked to join has become what it asked for. Call it a few times a second. */
  settle(): void {
    const { vault, config, logger } = this.#ports.parts;
    const { identity } = vault;
    const { durable } = this.#ports;
    const { group } = durable;
    if (group === null) return;
    if (identity.phase === "forming" && this.#founded) {
      this.adopt({ ...identity, phase: "member" });
    }
    if (identity.phase !== "joining") return;
    const self = memberIdOf(identity);
    const { config: members } = group.core;
    const joined = config.learnerOnly
      ? isMember(members, self) && durable.caughtUp
      : isVoter(members, self);
    if (!joined || !this.adopt({ ...identity, phase: "member" })) return;
    logger.info("this member is part of the cluster now");
  }

  /** The next start looks into it: opening a database does not show all damage. */
  noteDamage({ message }: StateDamagedError): void {
    const { vault, logger } = this.#ports.parts;
    try {
      vault.save({ ...vault.identity, damaged: message });
    } catch (error) {
      logger.error(
        `the damage could not be noted: ${(error as Error).message}`,
      );
    }
  }

  /** Gives up log and state, and comes back as a new incarnation. */
  async rebuild(reason: string): Promise<void> {
    const { parts, network, durable } = this.#ports;
    const { vault } = parts;
    this.#rebuilding = true;
    durable.leave();
    await vault.startOver(reason);
    if (this.#ports.stopping()) return;
    network.setIdentity(selfOf(vault.identity, parts));
    this.start();
    this.#rebuilding = false;
  }
}
