import type { LogStore } from "../log/port.ts";
import type { RaftCore } from "../raft/core.ts";
import type { LogIndex } from "../raft/types.ts";
import type {
  Divergence,
  PrepareRefusal,
  StateMachine,
} from "../state/port.ts";
import type { GroupMessage } from "./messages.ts";

/** When the log is synced, and whether writes wait for it. */
export type Durability =
  | { readonly mode: "immediate" }
  | { readonly mode: "immediate_async" }
  /** Synced every `ticks` ticks. */
  | { readonly mode: "interval"; readonly ticks: number };

/** What a leader may take for a write by default, and two seconds. */
export const APPLY_MS = 12_000;

/** Tunables of a group. */
export interface GroupOptions {
  readonly durability: Durability;
  /** Entries kept behind the checkpoint for slow followers. */
  readonly retainEntries: number;
  /** Payload bytes that applied entries may keep, for whomever: where the log is memory. @default {Infinity} */
  readonly retainBytes?: number;
  /** Above so many bytes of log nothing is kept for {@linkcode GroupPorts.neededAfter}. @default {1 GiB} */
  readonly neededBytesMax?: number;
  /** Entries applied between two checkpoints. */
  readonly checkpointEntries: number;
  /** Payload bytes applied between two checkpoints. */
  readonly checkpointBytes: number;
  /** Proposals that may wait for the loop; more are refused as `overloaded`. */
  readonly maxInbox: number;
  /** How long a committed entry may wait to be applied before the member complains, ms: what a leader may take for a write, and two seconds. @default {APPLY_MS} */
  readonly applyMs?: number;
  /** The shortest election timeout, ms: what the cluster clock may advance by at once. */
  readonly electionMs: number;
}

/** The usual tunables. */
export const DEFAULT_GROUP_OPTIONS: GroupOptions = {
  durability: { mode: "immediate" },
  retainEntries: 10_000,
  checkpointEntries: 10_000,
  checkpointBytes: 16 * 1024 * 1024,
  maxInbox: 16_384,
  electionMs: 700,
};

/** What a leader does to commands that its machine runs before they are replicated. */
export interface FirstRunPorts {
  /** Writes the hash of its answer into a payload. */
  seal(payload: Uint8Array, hash: number): void;
  /** A harmless payload that stands for one which no log may hold, and says why. */
  refusal(
    payload: Uint8Array,
    reason: PrepareRefusal,
    detail: string,
  ): Uint8Array;
  /** How long a payload may run, ms. */
  limitMs(payload: Uint8Array): number;
}

/** What a group is made of. */
export interface GroupPorts {
  readonly core: RaftCore;
  readonly log: LogStore;
  readonly machine: StateMachine;
  /** Writes the cluster clock, and what else only a leader decides, into a proposal that is about to be appended here. */
  stamp(payload: Uint8Array, clockMs: number): void;
  /** The cluster clock that a leader's `stamp` wrote, ms; 0 if none did. */
  stampOf(payload: Uint8Array): number;
  /** Monotonic time since the last tick, or since it began, ms. @default {none} */
  sinceTickMs?(): number;
  /** Applied entries after this one are needed elsewhere still, `null` if none are. @default {none} */
  neededAfter?(): LogIndex | null;
  /** Left out, commands are replicated before they run, also if the machine could run them first. */
  readonly firstRun?: FirstRunPorts;
  /** This member's state answered an entry differently than the entry's leader did. */
  diverged(divergence: Divergence): void;
  /** Queues a message; false if it was not queued. Entries are put in already. */
  send(message: GroupMessage): boolean;
  /** Runs `callback` soon, not inside this call: what arrives until then shares one pass and one sync. */
  defer(callback: () => void): void;
  /**
   * Runs `callback` a few ms later, unless the function it returns is called
   * before. Committed entries without a waiting caller are not applied until then.
   * Without it they are applied at once.
   */
  linger?(callback: () => void): () => void;
  /**
   * Runs `callback` when whoever hears of an answer now has had the chance to propose again. Without it a
   * leader tells the others of each commit at once.
   */
  afterTurns?(callback: () => void): void;
  /** The log cannot be trusted any more, or the state machine failed for good: end the member. */
  fatal(error: Error): void;
  /** Role, term, leader or configuration may have changed. */
  changed(): void;
  /** Something an operator should know; the group goes on. */
  warn(message: string, error: Error): void;
}
