import type { RaftCore } from "../raft/core.ts";
import type { Input, Outcome } from "../raft/io.ts";
import type { Applier } from "./applier.ts";
import type { Room } from "./disk_room.ts";
import type { ProposalInbox } from "./inbox.ts";
import type { FirstRunPorts } from "./ports.ts";
import type { PreparedCommitPorts } from "./prepared_commit.ts";
import type { RunWatch } from "./run_watch.ts";

/** What the stage does to commands without knowing what is in them. */
export interface CommandBytes extends Omit<FirstRunPorts, "limitMs"> {
  /** Writes time, randomness and the cluster clock into a payload, and breaks its seal. */
  stamp(payload: Uint8Array): void;
}

/** What the stage needs of its group, and tells it. */
export interface ExecuteFirstPorts extends PreparedCommitPorts {
  readonly core: RaftCore;
  readonly inbox: ProposalInbox;
  readonly applier: Applier;
  readonly room: Room;
  readonly watch: RunWatch;
  readonly commands: CommandBytes;
  step(input: Input): Outcome;
  /** Whether something waits for a moment without a transaction: none is begun behind a COMMIT then. */
  moment(): boolean;
  /** No transaction is open any more. */
  released(): void;
  /** More can be taken from the inbox. */
  wake(): void;
  machineFailed(error: Error): void;
  /** The machine does not come back: end the member. */
  failed(error: Error): void;
}
