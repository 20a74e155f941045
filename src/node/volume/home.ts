import type { MemberId } from "../../raft/types.ts";
import type { GroupStorage } from "./vault.ts";

/** A group that keeps nothing: who starts again has forgotten it. */
export interface MemoryHousing {
  readonly kind: "memory";
  /** An empty log and machine; for each epoch anew. */
  open(): GroupStorage;
}

/** A group that keeps its log and its state on the disk. */
export interface DiskHousing {
  readonly kind: "disk";
  /** Opens what is in a folder, or begins there. */
  open(dir: string): GroupStorage;
  /** Whether what is there is damaged, rather than out of reach. */
  isDamage(error: unknown): error is Error;
}

/** Where a group beside the durable one has its log and its state on this member, and as whom it keeps them. */
export interface GroupHome {
  /** See `HostedMark.mark`. */
  readonly mark: string;
  /** Whether all is forgotten when the process ends: then a member that stops had better leave the group first. */
  readonly forgets: boolean;
  /**
   * Opens what `member`, which this is under the present mark, has of an epoch, or begins it. Null if what was
   * found cannot be relied upon: then the mark is another one now.
   * @throws {HiqliteError} `disk_full`: worth trying again.
   */
  open(
    member: MemberId,
    epoch: number,
  ): GroupStorage | Promise<GroupStorage | null>;
  /** Gives up what is kept, if an error says that it is damaged; whether it does. The mark is another one then. */
  giveUpFor(error: Error): boolean;
}

/** Nothing is kept: this member is somebody else with each start. */
export class MemoryHome implements GroupHome {
  readonly forgets = true;
  readonly #housing: MemoryHousing;
  readonly #mark: () => string;

  /** `mark` tells the present start. */
  constructor(housing: MemoryHousing, mark: () => string) {
    this.#housing = housing;
    this.#mark = mark;
  }

  get mark(): string {
    return this.#mark();
  }

  open(): GroupStorage {
    return this.#housing.open();
  }

  giveUpFor(): boolean {
    return false;
  }
}
