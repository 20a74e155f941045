import { isMember, isVoter } from "../raft/configuration.ts";
import type { StateDamagedError } from "../state/port.ts";
import { selfOf } from "./addresses.ts";
import type { RaftGroup } from "./group.ts";
import { type Identity, memberIdOf } from "./identity.ts";
import type { GroupMessage } from "./messages.ts";
import type { NodeNetwork, NodeParts } from "./parts.ts";

/** What participation needs from its node. */
export interface ParticipationPorts {
  readonly parts: NodeParts;
  readonly network: NodeNetwork;
  send(message: GroupMessage): boolean;
  /** Leader, role, term or configuration of the group changed. */
  changed(): void;
  failed(error: Error): void;
}

/** Under which identity this member takes part, from its first start to a rebuild, and its group while it does. */
export class Participation {
  readonly #ports: ParticipationPorts;
  #group: RaftGroup | null = null;
  #rebuilding = false;

  /** Takes no part yet. */
  constructor(ports: ParticipationPorts) {
    this.#ports = ports;
  }

  /** Null while the member takes no part. */
  get group(): RaftGroup | null {
    return this.#group;
  }

  /** Whether log and state are being given up. */
  get rebuilding(): boolean {
    return this.#rebuilding;
  }

  /** Takes part from now on, as whom the vault says. */
  start(): void {
    const { parts, send, changed, failed } = this.#ports;
    const group = parts.createGroup({ send, changed, fatal: failed });
    this.#group = group;
    // A member alone has nobody to wait for.
    const { voters } = group.core.config;
    const self = memberIdOf(parts.vault.identity);
    if (voters.length === 1 && voters[0] === self) group.campaign();
    if (parts.vault.identity.phase !== "forming") return;
    // Only once the log holds the first entry may its absence mean that it was lost.
    group.log.sync((error) => {
      if (error !== null) failed(error);
      else this.adopt({ ...parts.vault.identity, phase: "member" });
    });
  }

  /** Makes an identity durable; one in another cluster is a start there. */
  adopt(identity: Identity): void {
    const { parts: { vault, config }, network } = this.#ports;
    const entered = identity.clusterId !== vault.identity.clusterId;
    vault.save(identity);
    if (!entered) return;
    network.setIdentity(selfOf(identity, config));
    this.start();
  }

  /** Notes it when a member that asked to join has become what it asked for. */
  noteJoined(): void {
    const { vault, config, logger } = this.#ports.parts;
    const { identity } = vault;
    if (this.#group === null || identity.phase !== "joining") return;
    const self = memberIdOf(identity);
    const { config: members } = this.#group.core;
    const joined = config.learnerOnly
      ? isMember(members, self)
      : isVoter(members, self);
    if (!joined) return;
    logger.info("this member is part of the cluster now");
    this.adopt({ ...identity, phase: "member" });
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
    const { parts: { vault, config }, network } = this.#ports;
    this.#rebuilding = true;
    this.#group?.stop();
    this.#group = null;
    await vault.startOver(reason);
    network.setIdentity(selfOf(vault.identity, config));
    this.start();
    this.#rebuilding = false;
  }
}
