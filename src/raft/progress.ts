import type { LogIndex } from "./types.ts";

/** The appends on their way to one member, oldest first, bounded by the caller. */
class Inflights {
  private lasts: LogIndex[] = [];
  private sizes: number[] = [];
  bytes = 0;

  get count(): number {
    return this.lasts.length;
  }

  add(last: LogIndex, bytes: number): void {
    this.lasts.push(last);
    this.sizes.push(bytes);
    this.bytes += bytes;
  }

  /** Everything up to `index` arrived. */
  freeTo(index: LogIndex): void {
    let free = 0;
    while (free < this.lasts.length && this.lasts[free]! <= index) {
      this.bytes -= this.sizes[free]!;
      free++;
    }
    if (free === 0) return;
    this.lasts.splice(0, free);
    this.sizes.splice(0, free);
  }

  clear(): void {
    this.lasts = [];
    this.sizes = [];
    this.bytes = 0;
  }
}

/**
 * What the leader knows of another member, as etcd's raft has it:
 *
 * - `probe`: where the logs agree is not known; one append at a time.
 * - `replicate`: known; appends follow one another without waiting, within a window.
 * - `snapshot`: the next entry is purged; wait for a snapshot to arrive.
 */
export class Progress {
  state: "probe" | "replicate" | "snapshot" = "probe";
  /** The log equals the leader's up to here, as durably as the member promises. Within a term it only grows while the link is there. */
  match: LogIndex = 0;
  /** The next entry to send; above `match`. */
  next: LogIndex;
  /** Whether the member replied since the last check of the quorum. */
  recentlyActive = false;
  /** Whether it replied in the interval before that check. */
  wasActive = false;
  /** In `probe`: the append is in flight, or no reply is expected yet. */
  paused = false;
  /** In `replicate`: nothing was acknowledged for a heartbeat although something is missing. */
  stalled = false;
  /** In `replicate`: ask whether the member has what was sent. */
  checkDue = false;
  /** In `snapshot`: what the snapshot covers at least. */
  pendingSnapshot: LogIndex = 0;
  /** Ticks until another snapshot may be asked for. */
  snapshotPause = 0;
  /** The highest commit index the member was told. */
  sentCommit: LogIndex = 0;
  /** The commit index left in a message of its own, and no reply has come since. */
  commitOnItsWay = false;
  /** The last heartbeat round the member replied to. */
  ackedRound = 0;
  readonly inflights: Inflights = new Inflights();
  private matchAtHeartbeat: LogIndex = -1;

  constructor(next: LogIndex) {
    this.next = next;
  }

  /** Whether the member replied within the last one or two election timeouts. */
  get isAlive(): boolean {
    return this.recentlyActive || this.wasActive;
  }

  /** Find out where the logs agree, from `next` on. */
  probeFrom(next: LogIndex): void {
    this.enter("probe");
    this.next = Math.max(next, this.match + 1);
  }

  /**
   * The member may have lost power, and the end of its log with it: what it acknowledged counts again once it says
   * so again. Else its refusals would be late for ever, and it would be told to commit what is there instead.
   */
  forget(): void {
    const next = this.match + 1;
    this.match = 0;
    if (this.state === "replicate") this.probeFrom(next);
  }

  /** The logs agree at `match`. */
  replicate(): void {
    this.enter("replicate");
    this.next = this.match + 1;
  }

  /** Wait for a snapshot that covers `atLeast`. */
  awaitSnapshot(atLeast: LogIndex): void {
    this.enter("snapshot");
    this.pendingSnapshot = atLeast;
  }

  /** An append with entries left. */
  sent(last: LogIndex, bytes: number, commit: LogIndex): void {
    this.sentCommit = Math.max(this.sentCommit, Math.min(commit, last));
    if (this.state === "probe") {
      this.paused = true;
      return;
    }
    this.checkDue = false;
    if (last < this.next) return;
    this.next = last + 1;
    this.inflights.add(last, bytes);
  }

  /** The member has everything up to `index`; false if that is old news. */
  acknowledge(index: LogIndex): boolean {
    this.inflights.freeTo(index);
    if (index <= this.match) return false;
    this.match = index;
    this.next = Math.max(this.next, index + 1);
    this.stalled = false;
    this.commitOnItsWay = false;
    return true;
  }

  /**
   * The member refused an append after `rejected` and may agree at
   * `agreement`. False if the reply is late (a late refusal is no log reversion).
   */
  reject(rejected: LogIndex, agreement: LogIndex): boolean {
    if (this.state === "snapshot" || rejected <= this.match) return false;
    if (this.state === "replicate") {
      this.probeFrom(this.match + 1);
      return true;
    }
    if (this.next - 1 !== rejected) return false;
    this.probeFrom(Math.min(rejected, agreement + 1));
    return true;
  }

  /** A heartbeat is about to leave: notice whether anything moved since the last one. */
  noticeHeartbeat(): void {
    this.stalled = this.state === "replicate" && this.match < this.next - 1 &&
      this.match === this.matchAtHeartbeat;
    this.matchAtHeartbeat = this.match;
    this.commitOnItsWay = false;
    if (this.snapshotPause > 0) this.snapshotPause--;
  }

  private enter(state: Progress["state"]): void {
    this.state = state;
    this.paused = false;
    this.stalled = false;
    this.checkDue = false;
    this.pendingSnapshot = 0;
    this.sentCommit = 0;
    this.commitOnItsWay = false;
    this.inflights.clear();
  }
}
