import type { Client } from "../../../src/client/client.ts";
import type { LogIndex } from "../../../src/raft/types.ts";
import type { RecordingMember } from "../recording_member.ts";

/** One test that every {@linkcode Client} passes. */
export interface Case {
  readonly title: string;
  /** Gets a client, what it speaks to, and the index of the write that made the table `t(id, v)`. */
  readonly run: (
    client: Client,
    member: RecordingMember,
    created: LogIndex,
  ) => Promise<void>;
}

/** Adds a case to those of the contract. */
export type AddCase = (title: string, run: Case["run"]) => void;
