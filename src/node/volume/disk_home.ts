import * as fs from "node:fs";
import { join } from "node:path";
import { HiqliteError } from "../../errors.ts";
import type { MemberId } from "../../raft/types.ts";
import { syncPath } from "../../util/durable_file.ts";
import { foundNoRoom } from "../../util/no_room.ts";
import type { Logger } from "../../util/logger.ts";
import { amnesia, isInstallUnfinished } from "./boot.ts";
import type { DiskHousing, KeptHome } from "./home.ts";
import {
  drawId,
  type Identity,
  type KeptLife,
  keptLifeOf,
  unusable,
  withKeptLife,
} from "./identity.ts";
import type { GroupStorage } from "./vault.ts";

/** What {@linkcode DiskHome} needs. */
export interface DiskHomePorts {
  /** The group's name, which is its folder's, too. */
  readonly group: string;
  readonly dataDir: string;
  readonly housing: DiskHousing;
  readonly logger: Logger;
  identity(): Identity;
  /** Replaces the identity, durably. */
  save(identity: Identity): void;
  /** The mark is another one: the others must hear of it. */
  renamed(): void;
}

/**
 * What a member has of a group on its disk, in a folder that is named after its id in the group's
 * present epoch. Which epoch that is, is in its identity before it promises anything: so a folder that is gone
 * or damaged is noticed, and the member goes on as somebody who never promised what was in there.
 */
export class DiskHome implements KeptHome {
  readonly forgets = false;
  readonly #ports: DiskHomePorts;
  readonly #dir: string;

  /** Opens nothing yet. */
  constructor(ports: DiskHomePorts) {
    this.#ports = ports;
    this.#dir = join(ports.dataDir, ports.group);
  }

  async open(member: MemberId, epoch: number): Promise<GroupStorage | null> {
    const { housing } = this.#ports;
    const { mark, epoch: kept } = this.#life;
    const goesOn = kept === epoch;
    const dir = join(this.#dir, member);
    try {
      await this.#makeFolder(member, goesOn);
      if (!goesOn) this.#keep({ mark, epoch });
      const storage = housing.open(dir);
      const reason = goesOn ? whyForgotten(storage) : null;
      if (reason === null) return storage;
      await storage.release();
      this.#giveUp(reason);
    } catch (error) {
      if (housing.isDamage(error)) this.#giveUp(error.message);
      else throw unusableUnlessFull(dir, error as Error);
    }
    return null;
  }

  giveUpFor(error: Error): boolean {
    if (!this.#ports.housing.isDamage(error)) return false;
    this.#giveUp(error.message);
    return true;
  }

  get #life(): KeptLife {
    return keptLifeOf(this.#ports.identity(), this.#ports.group);
  }

  #keep(life: KeptLife): void {
    const { identity, group, save } = this.#ports;
    save(withKeptLife(identity(), group, life));
  }

  /** The folder itself goes when the next one is made. */
  #giveUp(reason: string): void {
    const { group, logger, renamed } = this.#ports;
    this.#keep({ mark: drawId(), epoch: 0 });
    logger.warn(
      `this member cannot rely on what it has of this group (${reason}): it comes back as somebody new and is rebuilt from the others`,
      { group },
    );
    renamed();
  }

  /** Only what goes on is left: another epoch, or another mark, has nothing to do with it. */
  async #makeFolder(member: MemberId, goesOn: boolean): Promise<void> {
    fs.mkdirSync(this.#dir, { recursive: true, mode: 0o700 });
    for (const name of fs.readdirSync(this.#dir)) {
      if (goesOn && name === member) continue;
      await fs.promises.rm(join(this.#dir, name), { recursive: true });
    }
    fs.mkdirSync(join(this.#dir, member), { recursive: true, mode: 0o700 });
    syncPath(this.#dir);
    syncPath(this.#ports.dataDir);
  }
}

/**
 * Makes sure that a member which keeps a group in memory from now on never comes back as who it was
 * on its disk: meanwhile the others may have counted that one as dead.
 */
export function forgetKept(
  { group, dataDir, identity, save }: Pick<
    DiskHomePorts,
    "group" | "dataDir" | "identity" | "save"
  >,
): void {
  if (keptLifeOf(identity(), group).epoch === 0) return;
  save(withKeptLife(identity(), group, { mark: drawId(), epoch: 0 }));
  fs.rmSync(join(dataDir, group), { recursive: true, force: true });
}

/**
 * Why what was found cannot be gone on with, or null. After a power cut the state may hold entries that
 * neither this log nor the others' have any more, which is as if a snapshot had not been installed to its end. Whoever
 * goes on with them would differ from the others; alone there is nobody to differ from.
 */
function whyForgotten(found: GroupStorage): string | null {
  const { log, state } = found;
  const reason = amnesia("member", found);
  const alone = state.config.voters.length < 2;
  if (reason !== null || alone || !isInstallUnfinished(found)) return reason;
  return `its state ends at index ${state.applied.index}, its log at ${log.last.index}`;
}

function unusableUnlessFull(dir: string, error: Error): HiqliteError {
  if (error instanceof HiqliteError) return error;
  const { message } = error;
  return foundNoRoom(error)
    ? new HiqliteError("disk_full", `${dir}: ${message}. Make room on its disk`)
    : unusable(dir, message, error);
}
