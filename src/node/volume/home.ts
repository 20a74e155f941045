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
  /** Whether what is there is damaged or outdated, rather than out of reach: nobody can go on with it. */
  isDamage(error: unknown): error is Error;
}

/** Where a group beside the durable one has its log and its state on this member. */
export type GroupHome = MemoryHome | KeptHome;

/** A home that outlives its process. */
export interface KeptHome {
  /** Whether all is forgotten when the process ends: then a member that stops had better leave the group first. */
  readonly forgets: false;
  /**
   * Opens what `member`, which this is under its present mark, has of an epoch, or begins it. Null if what was
   * found cannot be relied upon: then the mark is another one now.
   * @throws {HiqliteError} `disk_full`: worth trying again.
   */
  open(member: MemberId, epoch: number): Promise<GroupStorage | null>;
  /** Gives up what is kept, if an error says that nobody can go on with it; whether it does. The mark is another one then. */
  giveUpFor(error: Error): boolean;
}

/** Nothing is kept: this member is somebody else with each start. */
export class MemoryHome {
  /** See {@linkcode KeptHome.forgets}. */
  readonly forgets = true;
  /** Begins with nothing. */
  readonly open: () => GroupStorage;

  /** That of a group in memory. */
  constructor({ open }: MemoryHousing) {
    this.open = open;
  }

  /** What is damaged here ends the member: there is nothing to do without. */
  giveUpFor(): boolean {
    return false;
  }
}
