import { type EventFeed, FeedReader } from "../../../group/event_feed.ts";
import type { LogIndex, MemberId } from "../../../raft/types.ts";
import type { Clock } from "../../../util/clock.ts";
import type { LogPlace } from "../../live_port.ts";
import { Followers } from "../followers.ts";
import { LatestChanges } from "./latest_changes.ts";

/** When a member whose group has a leader hears of no new entry for so long, what another one told already is not in its log. */
const BEHIND_MS = 3_000;
/** Between two looks whether it has, or whether it takes part again. */
const LOOK_MS = 50;

/** What is needed of the durable group's loop. */
export interface FollowedGroup {
  readonly events: EventFeed;
  /** See {@linkcode RaftGroup.answered}. */
  readonly answered: LogIndex;
  readonly core: {
    readonly leader: MemberId | null;
    readonly commit: LogIndex;
  };
}

/** What following the database needs from its node. */
export interface FollowPorts {
  readonly clock: Clock;
  /** The loop of the durable group; null while this member takes no part. */
  group(): FollowedGroup | null;
  /** The cluster's id. */
  history(): string;
  /** Resolves once `index` is applied here. @throws {HiqliteError} `timeout` after `timeoutMs`. */
  applied(index: LogIndex, timeoutMs: number): Promise<void>;
}

/** The loop of a group from its start to its end: one that was rebuilt has another state, and other events. */
export interface FeedLife {
  readonly group: FollowedGroup;
  /** Since somebody follows; read up to {@linkcode readTo}. */
  readonly latest: LatestChanges;
  /** Entries up to here are in `latest`. */
  readonly readTo: LogIndex;
}

/** What somebody waits for. */
interface Sleeper {
  /** Folded names; null: any table. */
  readonly tables: Iterable<string> | null;
  readonly wake: () => void;
}

/**
 * The events of the durable group, read once for all who follow it, and not at all while nobody does: each
 * waits for tables of its own, so that a change costs only those whom it concerns.
 */
export class ChangeFeed {
  readonly #ports: FollowPorts;
  readonly #waiters = new Map<string, Set<Sleeper>>();
  /** Who waits for any table. */
  readonly #waiting = new Set<Sleeper>();
  readonly #followers = new Followers("follow the database");
  #life: ReadLife | null = null;
  #holders = 0;

  /** Of the group in `ports`. */
  constructor(ports: FollowPorts) {
    this.#ports = ports;
  }

  /** The events are read from now on, until the returned function is called. */
  hold(): () => void {
    this.#holders++;
    void this.life;
    return () => {
      if (--this.#holders > 0) return;
      this.#life?.end();
      this.#life = null;
    };
  }

  /** The present life, with everything read that there is; null while this member takes no part, and while nobody {@linkcode hold}s it. */
  get life(): FeedLife | null {
    if (this.#holders === 0) return null;
    const group = this.#ports.group();
    if (this.#life?.group !== group) {
      this.#life?.end();
      this.#life = group === null
        ? null
        : new ReadLife(group, (changed) => this.#wake(changed));
    }
    this.#life?.read();
    return this.#life;
  }

  /** Whether to go on. @throws {HiqliteError} `shutting_down` */
  goesOn(signal: AbortSignal | undefined): boolean {
    return this.#followers.goesOn(signal);
  }

  /** Resolves when one of these tables may have changed (folded; null: any), or the follower may be over, at the latest after `ms`. */
  woken(
    tables: Iterable<string> | null,
    signal: AbortSignal | undefined,
    ms?: number,
  ): Promise<boolean> {
    return this.#followers.woken(signal, ms, (wake) => {
      const waiter = { tables, wake };
      this.#add(waiter);
      return () => this.#remove(waiter);
    });
  }

  /** Waits until there may be a life. */
  async reborn(signal: AbortSignal | undefined): Promise<void> {
    await this.woken([], signal, LOOK_MS);
  }

  /** Whether this member has what was told before, perhaps by another member; waits for it briefly. */
  async reached(
    { history, index }: LogPlace,
    signal: AbortSignal | undefined,
  ): Promise<boolean> {
    const { clock } = this.#ports;
    let ledSince: number | null = null;
    let commit = 0;
    while (this.goesOn(signal)) {
      const group = this.#ports.group();
      if (group !== null) {
        if (history !== this.#ports.history()) return false;
        if (group.events.end >= index) return true;
      }
      // Without a leader nothing can be said of what there is elsewhere.
      const led = group !== null && group.core.leader !== null;
      // While it catches up it must not tell what is older.
      const still = led && group.core.commit === commit && commit < index;
      ledSince = still ? ledSince ?? clock.monotonic() : null;
      commit = group?.core.commit ?? 0;
      if (ledSince !== null && clock.monotonic() - ledSince >= BEHIND_MS) {
        return false;
      }
      await this.woken(null, signal, LOOK_MS);
    }
    return false;
  }

  /** Has followers see that the group has another loop. Call it a few times a second. */
  tick(): void {
    if (this.#holders === 0 || this.#life?.group === this.#ports.group()) {
      return;
    }
    void this.life;
    this.#followers.wakeAll();
  }

  /** Ends all who follow, and those to come. */
  close(): void {
    this.#followers.close();
  }

  /** Wakes who waits for one of these tables; null: everybody. */
  #wake(tables: ReadonlySet<string> | null): void {
    if (tables === null) return this.#followers.wakeAll();
    for (const { wake } of this.#waiting) wake();
    for (const name of tables) {
      for (const { wake } of this.#waiters.get(name) ?? []) wake();
    }
  }

  #add(waiter: Sleeper): void {
    if (waiter.tables === null) this.#waiting.add(waiter);
    for (const name of waiter.tables ?? []) {
      const waiters = this.#waiters.get(name);
      if (waiters === undefined) this.#waiters.set(name, new Set([waiter]));
      else waiters.add(waiter);
    }
  }

  #remove(waiter: Sleeper): void {
    this.#waiting.delete(waiter);
    for (const name of waiter.tables ?? []) {
      const waiters = this.#waiters.get(name);
      waiters?.delete(waiter);
      if (waiters?.size === 0) this.#waiters.delete(name);
    }
  }
}

/** A life with its cursor. */
class ReadLife implements FeedLife {
  readonly group: FollowedGroup;
  readonly latest: LatestChanges;
  readonly #reader: FeedReader;
  #readTo: LogIndex;

  constructor(
    group: FollowedGroup,
    changed: (tables: ReadonlySet<string> | null) => void,
  ) {
    const { events } = group;
    this.group = group;
    this.#readTo = events.end;
    this.latest = new LatestChanges(events.end);
    this.#reader = new FeedReader(events, (cursor) => {
      this.#readTo = events.end;
      changed(this.latest.read(cursor));
    });
  }

  get readTo(): LogIndex {
    return this.#readTo;
  }

  read(): void {
    this.#reader.read();
    this.#readTo = this.group.events.end;
  }

  end(): void {
    this.#reader.end();
  }
}
