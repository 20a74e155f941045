import type { GroupId, GroupMessage } from "../../group/messages.ts";
import type { LogIndex } from "../../raft/types.ts";
import type { GroupOptions } from "../../group/ports.ts";
import type { Starter } from "../volume/boot.ts";
import type { Divergence } from "../../state/port.ts";
import type { KvMachine } from "../../state/kv/port.ts";
import type { DiskHousing, MemoryHousing } from "../volume/home.ts";
import type { GroupStorage } from "../volume/vault.ts";

/** What the loop of a hosted group calls. */
export interface LoopPorts {
  /** Queues a message for another member; false if it was not queued. */
  send(message: GroupMessage): boolean;
  /** Role, term, leader or configuration may have changed. */
  changed(): void;
  /** The state here answered an entry differently than the entry's leader did. */
  diverged(divergence: Divergence): void;
  /** The group cannot go on, so its member ends. */
  fatal(error: Error): void;
  /** Time of which the group's last tick did not tell, ms. */
  sinceTickMs(): number;
  /** Applied entries after this one are needed elsewhere still, null if none are. */
  neededAfter(): LogIndex | null;
}

/** What a group begins with on this member. */
export interface GroupInit {
  readonly starter: Starter;
  readonly storage: GroupStorage;
  readonly options: GroupOptions;
}

/** A group beside the durable one: its members are the durable group's. */
export interface FollowingSpec {
  /** Its number on the wire, from 1. */
  readonly id: GroupId;
  /** Its name in logs, status and metrics. */
  readonly name: string;
  readonly options: GroupOptions;
  /** Where its log and its state are. */
  readonly housing: MemoryHousing | DiskHousing;
}

/** The number of the caches' group on the wire. */
export const CACHE_GROUP = 1;
/** Its name. */
export const CACHE = "cache";

/** The group of the caches. */
export interface CacheSpec extends FollowingSpec {
  /** Of the storage that was opened last; null before the first. */
  readonly machine: KvMachine | null;
}
