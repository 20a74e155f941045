import { type EventCursor, FeedReader } from "../../group/event_feed.ts";
import type { RaftGroup } from "../../group/group.ts";
import type { LogIndex } from "../../raft/types.ts";
import type { LockClaim } from "../../state/locks/types.ts";
import type { StateEvent } from "../../state/port.ts";
import { LOCK_EVENT, lockEventIn } from "../../state/locks/events.ts";

/** A grant that has to be claimed. */
export interface TicketGrant {
  readonly token: number;
  /** Of the entry that granted. */
  readonly index: LogIndex;
  readonly claim: LockClaim;
}

/** What became of a ticket. `look`: events were missed, so its lock has to be asked. */
export type TicketFate = TicketGrant | "gone" | "look";

/** Somebody who asked for a lock and does not know the ticket yet. */
export interface LockAsk {
  /** What happened up to this entry was not noted. */
  readonly since: LogIndex;
  /** What happened after it may have been missed. */
  readonly missed: boolean;
}

interface Ask extends LockAsk {
  missed: boolean;
}

/** Fates of tickets that are kept for those who do not know their tickets yet. */
const KEPT_MAX = 65_536;

/**
 * Wakes those who wait for locks at this member when the group's events tell of them. All of them share one cursor,
 * and there is none while nobody waits; so a thousand who wait cost as much as one.
 */
export class LockWaits {
  readonly #group: () => RaftGroup | null;
  #followed: RaftGroup | null = null;
  #reader: FeedReader | null = null;
  #unhurry: () => void = () => {};
  /** Those who asked, and do not know their ticket yet. */
  readonly #asking = new Set<Ask>();
  /** What happened to tickets since the first of them asked. */
  readonly #fates = new Map<LogIndex, TicketFate>();
  /** Several wait for one ticket where a request was repeated. */
  readonly #tickets = new Map<LogIndex, Set<(fate: TicketFate) => void>>();
  #size = 0;
  readonly #names = new Map<string, Set<() => void>>();

  /** Waits for the events of this group. */
  constructor(group: () => RaftGroup | null) {
    this.#group = group;
  }

  /** How many wait. */
  get size(): number {
    return this.#size;
  }

  /** Somebody is about to ask for a lock: from now on it is noted what becomes of tickets, until {@linkcode knows}. */
  asks(): LockAsk {
    this.#follow();
    const since = this.#followed?.events.end ?? Infinity;
    // Without a group nothing is heard until there is one.
    const ask = { since, missed: this.#reader === null };
    this.#asking.add(ask);
    return ask;
  }

  /** Who asked knows its ticket, or has none. */
  knows(ask: LockAsk): void {
    this.#asking.delete(ask);
    if (this.#asking.size === 0) this.#fates.clear();
    this.#rest();
  }

  /** Calls `done` once, when the fate of a ticket that was asked for is known; answers what ends that. */
  ticket(
    ticket: LogIndex,
    ask: LockAsk,
    done: (fate: TicketFate) => void,
  ): () => void {
    this.#follow();
    const known = this.#fates.get(ticket) ?? (ask.missed ? "look" : null);
    if (known !== null) {
      done(known);
      return () => {};
    }
    const all = this.#tickets.get(ticket) ?? new Set();
    this.#tickets.set(ticket, all.add(done));
    this.#size++;
    return () => {
      if (!all.delete(done)) return;
      this.#size--;
      if (all.size === 0) this.#tickets.delete(ticket);
      this.#rest();
    };
  }

  /** Calls `changed` whenever something happens to a lock, until what it returns is called. */
  name(name: string, changed: () => void): () => void {
    this.#follow();
    const all = this.#names.get(name) ?? new Set();
    this.#names.set(name, all.add(changed));
    return () => {
      all.delete(changed);
      if (all.size === 0) this.#names.delete(name);
      this.#rest();
    };
  }

  /** Sees whether the group is another one. Call it a few times a second. */
  tick(): void {
    if (this.#waits) this.#follow();
  }

  /** Tells all who wait to look for themselves. */
  wakeAll(): void {
    this.#miss();
    for (const ticket of [...this.#tickets.keys()]) this.#end(ticket, "look");
    for (const all of this.#names.values()) for (const wake of all) wake();
  }

  /** Begins to read events, or goes on with those of another group. Before somebody else is added who waits. */
  #follow(): void {
    const group = this.#group();
    if (group === this.#followed) return;
    // Of what happens between the two nobody hears.
    this.wakeAll();
    this.#leave();
    if (group === null) return;
    this.#followed = group;
    this.#reader = new FeedReader(group.events, (cursor) => this.#read(cursor));
    this.#unhurry = group.events.hurry();
  }

  /** Nobody waits any more. */
  #rest(): void {
    if (!this.#waits) this.#leave();
  }

  get #waits(): boolean {
    return this.#asking.size + this.#tickets.size + this.#names.size > 0;
  }

  #leave(): void {
    this.#reader?.end();
    this.#reader = null;
    this.#unhurry();
    this.#unhurry = () => {};
    this.#followed = null;
  }

  #read(cursor: EventCursor): void {
    for (let event = cursor.next(); event !== null; event = cursor.next()) {
      if ("gap" in event) this.wakeAll();
      else if (event.kind === LOCK_EVENT) this.#tell(event);
    }
  }

  #tell({ index, bytes }: StateEvent): void {
    const { kind, name, ticket, token, claim } = lockEventIn(bytes);
    if (kind === "gone") this.#settle(ticket, kind);
    // Nobody waits for what was granted at once.
    else if (claim !== undefined) this.#settle(ticket, { token, index, claim });
    for (const wake of this.#names.get(name) ?? []) wake();
  }

  /** Not all is known that those who ask now may want to know. */
  #miss(): void {
    this.#fates.clear();
    for (const ask of this.#asking) ask.missed = true;
  }

  #end(ticket: LogIndex, fate: TicketFate): void {
    for (const done of [...this.#tickets.get(ticket) ?? []]) done(fate);
  }

  #settle(ticket: LogIndex, fate: TicketFate): void {
    this.#end(ticket, fate);
    if (this.#asking.size === 0) return;
    if (this.#fates.size >= KEPT_MAX) this.#miss();
    this.#fates.set(ticket, fate);
  }
}
