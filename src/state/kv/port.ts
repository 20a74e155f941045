import type { StateMachine } from "../port.ts";
import type { KvReads } from "./types.ts";

/** The caches' state machine, as the member's service uses it. */
export interface KvMachine extends StateMachine {
  /** What is applied here. */
  readonly reads: KvReads;
  /** The cluster clock at which the next entry goes; `Infinity` if none will. */
  readonly nextDueMs: number;
  /** Resolves once a list of the cache takes no long time: the first one puts its keys in order. */
  arrange(cache: string): Promise<void>;
}
