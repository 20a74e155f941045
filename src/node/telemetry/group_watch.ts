import { isVoter, membersOf } from "../../raft/configuration.ts";
import {
  type Configuration,
  type MemberId,
  type NodeId,
  nodeIdOf,
} from "../../raft/types.ts";
import type { HostedGroup } from "../groups/hosted_group.ts";
import type { NewEvent, OwnEvents } from "./own_events.ts";

/** What is remembered of the snapshots since the last look. */
interface SnapshotCounts {
  readonly built: number;
  readonly sent: number;
  readonly received: number;
  readonly installed: number;
}

const NO_SNAPSHOTS = { built: 0, sent: 0, received: 0, installed: 0 };

/** Turns what changes in a group into events: who leads, who belongs to it, snapshots, room on the disk. */
export class GroupWatch {
  readonly #hosted: HostedGroup;
  readonly #events: OwnEvents;
  readonly #wall: () => number;
  #leader: MemberId | null = null;
  #lastLeader: MemberId | null = null;
  #leaderChanges = 0;
  #config: Configuration | null = null;
  #snapshots: SnapshotCounts = NO_SNAPSHOTS;
  /** Of former lives of the group here, whose counts began anew. */
  #snapshotsBefore: SnapshotCounts = NO_SNAPSHOTS;
  #snapshotMs = 0;
  #full = false;

  /** Notes into `events` what changes from now on. */
  constructor(hosted: HostedGroup, events: OwnEvents, wall: () => number) {
    this.#hosted = hosted;
    this.#events = events;
    this.#wall = wall;
  }

  /** The group's name. */
  get name(): string {
    return this.#hosted.name;
  }

  /** Times that another member than before began to lead. */
  get leaderChanges(): number {
    return this.#leaderChanges;
  }

  /** What became of snapshots since the member's start. */
  get snapshots(): SnapshotCounts {
    return added(this.#snapshotsBefore, this.#snapshots);
  }

  /** When a snapshot was last built, sent or installed, ms since the Unix epoch; 0: never. */
  get snapshotMs(): number {
    return this.#snapshotMs;
  }

  /** Looks what is different. Call it a few times a second, and when somebody else leads. */
  look(): void {
    this.#lookAtLeader();
    this.#lookAtMembers();
    this.#lookAtSnapshots();
    const full = this.#hosted.group?.diskFull ?? false;
    if (full === this.#full) return;
    this.#full = full;
    this.#note(
      full
        ? { kind: "disk_full", text: "no room: writes are refused" }
        : { kind: "disk_room", text: "there is room for writes again" },
    );
  }

  #lookAtLeader(): void {
    const leader = this.#hosted.group?.core.leader ?? null;
    if (leader === this.#leader) return;
    this.#leader = leader;
    if (leader === null) {
      const before = this.#lastLeader;
      return this.#note({
        kind: "leaderless",
        text: before === null
          ? "no leader is known"
          : `${nameOf(before)} is not heard as the leader any more`,
        ...about(before, this.#hosted.self),
      });
    }
    if (leader !== this.#lastLeader) this.#leaderChanges++;
    this.#lastLeader = leader;
    const { term } = this.#hosted.group!.core;
    this.#note({
      kind: "leader",
      text: `${nameOf(leader)} leads in term ${term}`,
      ...about(leader, this.#hosted.self),
    });
  }

  #lookAtMembers(): void {
    const config = this.#hosted.group?.core.config ?? null;
    const before = this.#config;
    if (config === before || config === null) return;
    this.#config = config;
    // The first one that is seen is no change, nor is the first of a new cluster.
    if (before === null || membersOf(before).length === 0) return;
    for (const id of membersOf(config)) {
      if (!membersOf(before).includes(id)) {
        const as = isVoter(config, id) ? "a voter" : "a learner";
        this.#changed("member_added", id, `was added as ${as}`);
      } else if (isVoter(config, id) && !isVoter(before, id)) {
        this.#changed("member_promoted", id, "votes now");
      } else if (!isVoter(config, id) && isVoter(before, id)) {
        this.#changed("member_demoted", id, "votes no more");
      }
    }
    for (const id of membersOf(before)) {
      if (membersOf(config).includes(id)) continue;
      this.#changed("member_removed", id, "was removed");
    }
  }

  #lookAtSnapshots(): void {
    const tally = this.#hosted.group?.snapshots.tally;
    const { built, sent, received, installed } = tally ?? NO_SNAPSHOTS;
    const now = { built, sent, received, installed };
    const before = this.#snapshots;
    const begun = built < before.built || sent < before.sent ||
      received < before.received || installed < before.installed;
    if (begun) {
      this.#snapshotsBefore = added(this.#snapshotsBefore, before);
      this.#snapshots = NO_SNAPSHOTS;
      return this.#lookAtSnapshots();
    }
    this.#snapshots = now;
    if (
      built > before.built || sent > before.sent || installed > before.installed
    ) this.#snapshotMs = this.#wall();
    const self = this.#hosted.self;
    if (sent > before.sent) {
      const to = tally!.sentTo!;
      this.#note({
        kind: "snapshot_sent",
        text: `a snapshot was sent to ${nameOf(to)}`,
        ...about(to, self),
      });
    }
    if (received > before.received) {
      const from = tally!.receivedFrom!;
      this.#note({
        kind: "snapshot_received",
        text: `a snapshot came from ${nameOf(from)}`,
        ...about(from, self),
      });
    }
    if (installed > before.installed) {
      const { index } = this.#hosted.group!.machine.applied;
      const text = `a snapshot is the state now, at index ${index}`;
      this.#note({ kind: "snapshot_installed", text });
    }
  }

  #changed(kind: NewEvent["kind"], id: MemberId, what: string): void {
    const text = `${nameOf(id)} ${what}`;
    this.#note({ kind, text, ...about(id, this.#hosted.self) });
  }

  #note(event: NewEvent): void {
    const term = this.#hosted.group?.core.term ?? 0;
    this.#events.note({ ...event, group: this.#hosted.name, term });
  }
}

function added(a: SnapshotCounts, b: SnapshotCounts): SnapshotCounts {
  return {
    built: a.built + b.built,
    sent: a.sent + b.sent,
    received: a.received + b.received,
    installed: a.installed + b.installed,
  };
}

function nameOf(member: MemberId): string {
  return `node ${nodeIdOf(member)}`;
}

function about(
  member: MemberId | null,
  self: MemberId,
): { readonly about?: NodeId } {
  return member === null || member === self ? {} : { about: nodeIdOf(member) };
}
