import * as fs from "node:fs";
import { join } from "node:path";
import type { NodeConfig } from "../config/types.ts";
import { HiqliteError } from "../errors.ts";
import type { Logger } from "../util/logger.ts";
import { amnesia, type Recovered } from "./boot.ts";
import { DataDir, type Identity, newIdentity } from "./identity.ts";
import type { SqlMachine } from "./sql_machine.ts";

/** The open log and database of a member. */
export interface Storage extends Recovered {
  readonly machine: SqlMachine;
  /** Closes both, after what was begun. */
  release(): Promise<void>;
}

/** How to open what is kept in a data directory. */
export interface StorageOpener {
  /** Opens log and database below `logs` and `state`, which exist if they ever did. */
  open(logs: string, state: string): Promise<Storage>;
  /** Whether what is on the disk is damaged, rather than out of reach. */
  isDamage(error: unknown): error is Error;
}

const LOGS = "logs";
const STATE = "state_machine";

/** Everything durable of one member: who it is, its log, its database. */
export class Vault {
  readonly #dir: DataDir;
  readonly #config: NodeConfig;
  readonly #opener: StorageOpener;
  readonly #logger: Logger;
  #identity: Identity;
  #storage: Storage | null = null;

  private constructor(
    dir: DataDir,
    config: NodeConfig,
    opener: StorageOpener,
    logger: Logger,
    identity: Identity,
  ) {
    this.#dir = dir;
    this.#config = config;
    this.#opener = opener;
    this.#logger = logger;
    this.#identity = identity;
  }

  /**
   * Opens a data directory. A member that finds it has forgotten something comes
   * back as somebody new.
   * @throws {HiqliteError} `storage` if the directory cannot be used.
   */
  static async open(
    config: NodeConfig,
    opener: StorageOpener,
    logger: Logger,
  ): Promise<Vault> {
    const dir = await DataDir.open(config.dataDir);
    try {
      const known = dir.loadIdentity(config.nodeId);
      const identity = known ?? newIdentity(config.nodeId);
      const vault = new Vault(dir, config, opener, logger, identity);
      await vault.#recover(known === null);
      return vault;
    } catch (error) {
      dir.close();
      throw error;
    }
  }

  get identity(): Identity {
    return this.#identity;
  }

  /** @throws {HiqliteError} `no_leader` while the member is rebuilt: another one can answer. */
  get storage(): Storage {
    if (this.#storage !== null) return this.#storage;
    throw new HiqliteError(
      "no_leader",
      "This member is being rebuilt from the others: ask another one",
    );
  }

  /** Replaces the identity, durably. */
  save(identity: Identity): void {
    this.#dir.saveIdentity(identity);
    this.#identity = identity;
  }

  /** Puts log and database aside and begins again under a new incarnation. */
  async startOver(reason: string): Promise<void> {
    await this.#closeStorage();
    const kept = this.#dir.quarantine([LOGS, STATE], new Date());
    const { clusterId, addresses, phase } = this.#identity;
    this.save({
      ...newIdentity(this.#config.nodeId),
      clusterId,
      addresses,
      phase: clusterId === "" ? "new" : "joining",
    });
    if (phase !== "joining") {
      this.#logger.warn(
        `this member cannot rely on its memory (${reason}): it comes back as a new incarnation and is rebuilt from the others; what was left is in ${kept}`,
      );
    }
    this.#storage = await this.#openStorage();
  }

  /** Closes everything and gives the directory up. */
  async close(): Promise<void> {
    await this.#closeStorage();
    this.#dir.close();
  }

  async #recover(isNew: boolean): Promise<void> {
    if (isNew && fs.existsSync(join(this.#dir.path, LOGS))) {
      return await this.startOver("its identity is gone");
    }
    this.save({ ...this.#identity, boot: this.#identity.boot + 1 });
    try {
      this.#storage = await this.#openStorage();
    } catch (error) {
      if (!this.#opener.isDamage(error)) throw error;
      return await this.startOver(error.message);
    }
    const reason = amnesia(this.#identity, this.#storage);
    if (reason !== null) await this.startOver(reason);
  }

  #openStorage(): Promise<Storage> {
    const logs = join(this.#dir.path, LOGS);
    const state = join(this.#dir.path, STATE);
    fs.mkdirSync(logs, { recursive: true, mode: 0o700 });
    fs.mkdirSync(state, { recursive: true, mode: 0o700 });
    return this.#opener.open(logs, state);
  }

  async #closeStorage(): Promise<void> {
    const storage = this.#storage;
    this.#storage = null;
    await storage?.release();
  }
}
