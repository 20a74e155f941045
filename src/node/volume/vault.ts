import * as fs from "node:fs";
import { join } from "node:path";
import type { NodeConfig } from "../../config/types.ts";
import { HiqliteError } from "../../errors.ts";
import { findDenied } from "../../util/access.ts";
import type { Logger } from "../../util/logger.ts";
import { amnesia, type Recovered } from "./boot.ts";
import {
  DataDir,
  type FoundIdentity,
  type Identity,
  IDENTITY_FILE,
  LOGS,
  newIdentity,
  newIncarnation,
  startedAgain,
  STATE,
  unusable,
} from "./identity.ts";
import type { SqlMachine } from "../../state/sql/port.ts";
import type { StateMachine } from "../../state/port.ts";

/** The open log and state machine of a group. */
export interface GroupStorage extends Recovered {
  readonly machine: StateMachine;
  /** Closes both, after what was begun. */
  release(): Promise<void>;
}

/** The open log and database of a member. */
export interface Storage extends GroupStorage {
  readonly machine: SqlMachine;
}

/** What is durable of the node, as it needs it. */
export interface NodeVault {
  readonly identity: Identity;
  readonly storage: Storage;
  save(identity: Identity): void;
  startOver(reason: string): Promise<void>;
  close(): Promise<void>;
}

/** How to open what is kept in a data directory. */
export interface StorageOpener {
  /** Opens log and database below `logs` and `state`, which exist if they ever did. */
  open(logs: string, state: string): Promise<Storage>;
  /** Gives back room below `state` that nobody needs: what transfers and transactions left that did not come to an end. */
  makeRoom(state: string): void;
  /** Whether what is on the disk is damaged, rather than out of reach. */
  isDamage(error: unknown): error is Error;
  /** Whether it is the log. */
  isLogDamage(error: unknown): error is Error;
}

/** An empty log beside a damaged one, while an operator looks at the database. */
const SCRATCH = "logs.empty";

/** Everything durable of one member: who it is, its log, its database. */
export class Vault implements NodeVault {
  readonly #dir: DataDir;
  readonly #config: NodeConfig;
  readonly #opener: StorageOpener;
  readonly #logger: Logger;
  #identity: Identity;
  #storage: Storage | null = null;
  #startingOver: Promise<void> | null = null;

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
    if (dir.exposure !== null) {
      logger.warn(`the data directory: ${dir.exposure}`);
    }
    let vault: Vault | null = null;
    try {
      const found = dir.loadIdentity(config.nodeId);
      const identity = found.kind === "intact"
        ? found.identity
        : newIdentity(config.nodeId);
      vault = new Vault(dir, config, opener, logger, identity);
      await vault.#recover(found);
      return vault;
    } catch (error) {
      if (vault !== null) await vault.#closeStorage();
      dir.close();
      throw error;
    }
  }

  /**
   * Opens what is left of a stopped member as it is, for an operator: nobody comes
   * back as somebody new. If its log is damaged, the database alone is opened;
   * `giveUpLog` decides whether the log is moved aside for that.
   * @throws {HiqliteError} `storage` if the directory cannot be used.
   * @throws {StateDamagedError} if the database is damaged.
   */
  static async salvage(
    config: NodeConfig,
    opener: StorageOpener,
    logger: Logger,
    giveUpLog: (identity: Identity) => boolean,
  ): Promise<{ readonly vault: Vault; readonly logDamage: string | null }> {
    const denied = findDenied(config.dataDir, []);
    if (denied !== null) throw unusable(config.dataDir, denied);
    if (!fs.existsSync(join(config.dataDir, STATE))) {
      throw new HiqliteError(
        "storage",
        `${config.dataDir} is not the data directory of a member: it has no folder ${STATE}`,
      );
    }
    const dir = await DataDir.open(config.dataDir);
    try {
      const found = dir.loadIdentity(null);
      const identity = found.kind === "intact"
        ? found.identity
        : newIdentity(config.nodeId);
      const vault = new Vault(dir, config, opener, logger, identity);
      const logDamage = await vault.#salvage(giveUpLog(identity));
      return { vault, logDamage };
    } catch (error) {
      dir.close();
      throw error;
    }
  }

  async #salvage(giveUpLog: boolean): Promise<string | null> {
    try {
      this.#storage = await this.#openStorage();
      return null;
    } catch (error) {
      if (!this.#opener.isLogDamage(error)) throw error;
      if (giveUpLog) this.#dir.quarantine([LOGS], new Date());
      else this.#dir.discard([SCRATCH]);
      this.#storage = await this.#openStorage(giveUpLog ? LOGS : SCRATCH);
      return error.message;
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

  /**
   * Puts log and database aside and begins again under a new incarnation.
   * @throws {HiqliteError} `storage` if there is no other member to be rebuilt from: then everything stays as it is.
   */
  async startOver(reason: string): Promise<void> {
    this.#startingOver = this.#startOver(reason);
    try {
      await this.#startingOver;
    } finally {
      this.#startingOver = null;
    }
  }

  async #startOver(reason: string): Promise<void> {
    await this.#closeStorage();
    const { clusterId, addresses } = this.#identity;
    const others = this.#config.nodes.length - 1 +
      Object.keys(addresses).length;
    if (others === 0) throw this.#nobodyToAsk(reason);
    const aside = [LOGS, STATE, ...(clusterId === "" ? [IDENTITY_FILE] : [])];
    const { kept, removed } = this.#dir.quarantine(aside, new Date());
    this.save(newIncarnation(this.#identity));
    this.#logger.warn(
      `this member cannot rely on its memory (${reason}): it comes back as a new incarnation and is rebuilt from the others; what was left is in ${kept}`,
    );
    for (const path of removed) {
      this.#logger.info(`${path} was removed: the newest two are kept`);
    }
    this.#storage = await this.#openStorage();
  }

  #nobodyToAsk(reason: string): HiqliteError {
    const { path } = this.#dir;
    return new HiqliteError(
      "storage",
      `This member cannot rely on its memory (${reason}) and there is no other one to rebuild it from. Nothing was changed. \`hiqlite cluster recover --data-dir ${path}\` shows what is left and can begin anew with it; or put a backup in its place`,
    );
  }

  /** Closes everything and gives the directory up, not in the middle of {@linkcode startOver}. */
  async close(): Promise<void> {
    await this.#startingOver?.catch(() => {});
    await this.#closeStorage();
    if (this.#dir.has(SCRATCH)) this.#dir.discard([SCRATCH]);
    this.#dir.close();
  }

  async #recover(found: FoundIdentity): Promise<void> {
    if (found.kind === "damaged") return await this.startOver(found.problem);
    const used = this.#dir.has(LOGS) || this.#dir.has(STATE);
    if (found.kind === "missing" && used) {
      return await this.startOver("its identity is gone");
    }
    const { damaged, ...identity } = this.#identity;
    this.#noteStart();
    try {
      this.#storage = await this.#openStorage();
      if (damaged !== undefined) await this.#lookInto(damaged);
    } catch (error) {
      if (!this.#opener.isDamage(error)) throw error;
      return await this.startOver(error.message);
    }
    const reason = amnesia(this.#identity.phase, this.#storage);
    if (reason === null) return;
    if (identity.phase === "joining") await this.#joinAfresh();
    else await this.startOver(reason);
  }

  /** On a full disk the member makes room first: what filled it may be what it failed to write before it ended. */
  #noteStart(): void {
    const started = startedAgain(this.#identity);
    try {
      this.save(started);
    } catch (error) {
      const full = error instanceof HiqliteError && error.code === "disk_full";
      if (!full || !this.#dir.has(STATE)) throw error;
      this.#opener.makeRoom(join(this.#dir.path, STATE));
      this.save(started);
    }
  }

  /** Asking again with nothing in hand: under another name, since the last one may be half admitted. */
  async #joinAfresh(): Promise<void> {
    await this.#closeStorage();
    this.#dir.discard([LOGS, STATE]);
    this.save(newIncarnation(this.#identity));
    this.#storage = await this.#openStorage();
  }

  /**
   * Something at run time said that the database is damaged. Only what is seen in the
   * file counts: else one statement that makes SQLite say so would end all members at once.
   */
  async #lookInto(damaged: string): Promise<void> {
    this.#logger.warn(
      `looking for damage, since this member ended so: ${damaged}`,
    );
    await this.#storage!.machine.check(true);
    const { damaged: _, ...identity } = this.#identity;
    this.save(identity);
    this.#logger.warn("no damage was found: going on");
  }

  async #openStorage(log = LOGS): Promise<Storage> {
    const logs = join(this.#dir.path, log);
    const state = join(this.#dir.path, STATE);
    try {
      fs.mkdirSync(logs, { recursive: true, mode: 0o700 });
      fs.mkdirSync(state, { recursive: true, mode: 0o700 });
      return await this.#opener.open(logs, state);
    } catch (error) {
      if (this.#opener.isDamage(error) || error instanceof HiqliteError) {
        throw error;
      }
      throw unusable(this.#dir.path, (error as Error).message, error);
    }
  }

  async #closeStorage(): Promise<void> {
    const storage = this.#storage;
    this.#storage = null;
    await storage?.release();
  }
}
