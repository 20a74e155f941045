import type { Ready } from "./io.ts";
import type { Message } from "./messages.ts";
import type { LogIndex, SnapshotMeta } from "./types.ts";

type Item<List> = List extends readonly (infer Element)[] ? Element : never;

/** What the next {@linkcode Ready} will carry, besides the writes. */
export class Outbox {
  send: Message[] = [];
  sendAfterPersist: Message[] = [];
  reads: Item<Ready["reads"]>[] = [];
  sendSnapshots: Item<Ready["sendSnapshots"]>[] = [];
  installSnapshot: SnapshotMeta | null = null;
  private takenCommit: LogIndex;

  /** Starts with a commit index that the runtime knows. */
  constructor(commit: LogIndex) {
    this.takenCommit = commit;
  }

  /** Whether there is something to take. */
  pending(commit: LogIndex): boolean {
    return commit > this.takenCommit || this.send.length > 0 ||
      this.sendAfterPersist.length > 0 || this.reads.length > 0 ||
      this.sendSnapshots.length > 0 || this.installSnapshot !== null;
  }

  /** Hands everything out and starts anew. */
  take(persist: Ready["persist"], commit: LogIndex): Ready {
    const ready: Ready = {
      persist,
      send: this.send,
      sendAfterPersist: this.sendAfterPersist,
      commit,
      reads: this.reads,
      sendSnapshots: this.sendSnapshots,
      installSnapshot: this.installSnapshot,
    };
    this.takenCommit = commit;
    this.send = [];
    this.sendAfterPersist = [];
    this.reads = [];
    this.sendSnapshots = [];
    this.installSnapshot = null;
    return ready;
  }
}
