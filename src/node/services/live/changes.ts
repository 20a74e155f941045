import { HiqliteError } from "../../../errors.ts";
import type { LogIndex } from "../../../raft/types.ts";
import { foldName } from "../../../state/sql/names.ts";
import type {
  ChangesRequest,
  LogPlace,
  TableChange,
  TableChanges,
} from "../../live_port.ts";
import { Attendance } from "../attendance.ts";
import type {
  ChangeFeed,
  FeedLife,
  FollowedGroup,
  FollowPorts,
} from "./change_feed.ts";
import { type Changed, LatestChanges } from "./latest_changes.ts";

/** Tables that one listener can name. */
const NAMES_MAX = 1_000;
/** Listeners of a member. */
const LISTENERS_MAX = 1_000;
/** How long a listener waits for what was answered before it began, ms. */
const ANSWERED_MS = 10_000;

/** Tells listeners which tables changed. None has a queue: one that is slow hears of all changes at once. */
export class ChangeListeners {
  readonly #ports: FollowPorts;
  readonly #feed: ChangeFeed;
  readonly #listeners = new Attendance();

  /** Of the group in `ports`, through its `feed`. */
  constructor(ports: FollowPorts, feed: ChangeFeed) {
    this.#ports = ports;
    this.#feed = feed;
  }

  /** How many there are. */
  get count(): number {
    return this.#listeners.count;
  }

  /** See {@linkcode MemberLive.changes}. */
  changes(request: ChangesRequest): TableChanges {
    const { tables, since, signal } = request;
    const wanted = tables === undefined ? null : wantedOf(tables);
    if (this.#listeners.count >= LISTENERS_MAX) {
      throw new HiqliteError(
        "overloaded",
        `${LISTENERS_MAX} listeners hear of changes at this member, the most it takes: end some, or listen through another one`,
      );
    }
    // In one turn: what is answered after it is told.
    const group = this.#ports.group();
    const answered = group?.answered ?? 0;
    const begin = group === null ? null : {
      group,
      place: this.#place(Math.max(group.events.end, answered)),
    };
    const listener = new ChangeListener(
      this.#ports,
      this.#feed,
      wanted,
      signal,
    );
    const given = typeof since === "number" ? this.#place(since) : since;
    const events = this.#after(
      answered,
      given === undefined ? listener.from(begin) : listener.since(given),
    );
    return {
      [Symbol.asyncIterator]: () =>
        this.#listeners.while(events, signal, () => this.#feed.hold()),
      get place() {
        return listener.place ?? given ?? begin?.place ?? null;
      },
    };
  }

  /** Begins when what this member answered is in its state; if that takes too long, all the same. */
  async *#after(
    answered: LogIndex,
    events: AsyncGenerator<TableChange>,
  ): AsyncGenerator<TableChange> {
    await this.#ports.applied(answered, ANSWERED_MS).catch(() => {});
    yield* events;
  }

  #place(index: LogIndex): LogPlace {
    return { history: this.#ports.history(), index };
  }
}

/** Where a listener begins. */
interface Beginning {
  readonly group: FollowedGroup;
  readonly place: LogPlace;
}

/** One consumer: which tables it wants, and up to where it was told. */
class ChangeListener {
  readonly #ports: FollowPorts;
  readonly #feed: ChangeFeed;
  readonly #wanted: ReadonlySet<string> | null;
  readonly #signal: AbortSignal | undefined;
  /** It was told everything up to here, of this life. */
  #told: { readonly life: FeedLife; index: LogIndex } | null = null;

  constructor(
    ports: FollowPorts,
    feed: ChangeFeed,
    wanted: ReadonlySet<string> | null,
    signal: AbortSignal | undefined,
  ) {
    this.#ports = ports;
    this.#feed = feed;
    this.#wanted = wanted;
    this.#signal = signal;
  }

  /** Up to here everything was told; null before it began. */
  get place(): LogPlace | null {
    const told = this.#told;
    if (told === null) return null;
    if (
      this.#feed.life === told.life &&
      told.life.latest.after(told.index, this.#wanted) === null
    ) told.index = told.life.readTo;
    return { history: this.#ports.history(), index: told.index };
  }

  /** Tells what came after `since`, waiting for it if this member is behind. */
  async *since(since: LogPlace): AsyncGenerator<TableChange> {
    const reached = await this.#feed.reached(since, this.#signal);
    const group = this.#ports.group();
    yield* this.from(reached && group ? { group, place: since } : null);
  }

  /** Tells what comes after the beginning; null: it is not known, or meant another state. */
  async *from(begin: Beginning | null): AsyncGenerator<TableChange> {
    let next = begin;
    while (this.#feed.goesOn(this.#signal)) {
      const { life } = this.#feed;
      if (life === null) {
        await this.#feed.reborn(this.#signal);
        continue;
      }
      const known = next?.group === life.group ? next.place.index : null;
      next = null;
      yield* this.#tellLife(life, known);
    }
  }

  /** Tells until the life is over. */
  async *#tellLife(
    life: FeedLife,
    known: LogIndex | null,
  ): AsyncGenerator<TableChange> {
    const told = { life, index: known ?? life.readTo };
    this.#told = told;
    if (known === null) {
      yield this.#change({
        index: life.readTo,
        tables: [],
        schema: true,
        reset: true,
      });
    } else if (known < life.latest.from) {
      const missed = this.#missed(life, known);
      if (missed !== null) yield missed;
    }
    while (this.#feed.goesOn(this.#signal) && this.#feed.life === life) {
      const changed = life.latest.after(told.index, this.#wanted);
      told.index = Math.max(told.index, life.readTo);
      if (changed !== null) yield this.#change(changed);
      else await this.#feed.woken(this.#wanted, this.#signal);
    }
  }

  /** What changed before anybody followed the events, as far as they are kept. */
  #missed(life: FeedLife, from: LogIndex): TableChange | null {
    const latest = new LatestChanges(from);
    latest.read(life.group.events.cursor(from));
    this.#told!.index = life.readTo;
    const changed = latest.after(from, this.#wanted);
    return changed === null ? null : this.#change(changed);
  }

  #change(changed: Changed): TableChange {
    const { history } = this.#ports;
    const place = { history: history(), index: this.#told!.index };
    return { ...changed, place };
  }
}

/** @throws {HiqliteError} `invalid` */
function wantedOf(tables: readonly string[]): ReadonlySet<string> {
  if (tables.length > 0 && tables.length <= NAMES_MAX) {
    return new Set(tables.map(foldName));
  }
  throw new HiqliteError(
    "invalid",
    `tables: expected 1 to ${NAMES_MAX} names, got ${tables.length}; leave it out for all tables`,
  );
}
