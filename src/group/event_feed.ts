import type { LogIndex } from "../raft/types.ts";
import type { StateEvent, StateEvents } from "../state/port.ts";

/** How much of the past a feed keeps. */
export interface EventFeedLimits {
  /** @default {65_536} */
  readonly events: number;
  /** Bytes, as batches count them, and 64 for each batch. @default {4 MiB} */
  readonly bytes: number;
}

const DEFAULT_LIMITS: EventFeedLimits = {
  events: 65_536,
  bytes: 4 * 1024 * 1024,
};
const BATCH_BYTES = 64;

/**
 * Entries whose events cannot be had: those after `from`, up to `to`. `lagged`: the
 * consumer read too slowly, or wants what was before this process began; `jump`: a
 * snapshot took the place of the entries. Either way it looks at the state itself.
 */
export interface EventGap {
  readonly gap: "lagged" | "jump";
  readonly from: LogIndex;
  readonly to: LogIndex;
}

/** A batch's events, or a gap, with the index up to which it tells. */
interface Piece {
  readonly content: StateEvents | EventGap;
  readonly to: LogIndex;
}

/**
 * The last events of a group's machine, in order. Nobody waits for consumers: each
 * reads by a cursor of its own, and whoever is too slow is told what it missed.
 */
export class EventFeed {
  readonly #limits: EventFeedLimits;
  readonly #wakes = new Set<() => void>();
  #pieces: (Piece | null)[] = [];
  /** Where in `#pieces` the oldest one stands that is kept; those before it are empty places. */
  #head = 0;
  /** The number of the piece at `#pieces[0]`; pieces are numbered as they come. */
  #offset = 0;
  #events = 0;
  #bytes = 0;
  #start: LogIndex;
  #end: LogIndex;
  #hurrying = 0;

  /** Begins after `applied`. */
  constructor(
    applied: LogIndex,
    limits: EventFeedLimits = DEFAULT_LIMITS,
  ) {
    this.#start = applied;
    this.#end = applied;
    this.#limits = limits;
  }

  /** Events of entries after this are kept. */
  get start(): LogIndex {
    return this.#start;
  }

  /** Up to here entries were applied. */
  get end(): LogIndex {
    return this.#end;
  }

  /** Adds the events of the entries up to `to`, which were applied. */
  append(events: StateEvents, to: LogIndex): void {
    this.#end = to;
    if (events.count === 0) return;
    this.#events += events.count;
    this.#push({ content: events, to });
  }

  /** A snapshot took the place of the entries up to `to`. */
  jump(to: LogIndex): void {
    const from = this.#end;
    this.#end = to;
    this.#push({ content: { gap: "jump", from, to }, to });
  }

  /** Reads the events of entries after `from`, which may be in the future. */
  cursor(from: LogIndex = this.#end): EventCursor {
    return new EventCursor(this, from);
  }

  /**
   * Calls `wake` whenever a cursor can go on; answers what ends that. It is called in the
   * middle of the group's loop, so it must only note that there is work, and not throw.
   */
  listen(wake: () => void): () => void {
    this.#wakes.add(wake);
    return () => void this.#wakes.delete(wake);
  }

  /** Whether somebody waits for events: then entries are applied as soon as they are committed. */
  get hurried(): boolean {
    return this.#hurrying > 0;
  }

  /** Somebody waits for events until the returned function is called, once. */
  hurry(): () => void {
    this.#hurrying++;
    return () => void this.#hurrying--;
  }

  /** The piece of this number, or else the oldest that is kept; undefined if it is still to come. */
  pieceAt(number: number): { piece: Piece; number: number } | undefined {
    const at = Math.max(number - this.#offset, this.#head);
    const piece = this.#pieces[at];
    return piece ? { piece, number: this.#offset + at } : undefined;
  }

  #push(piece: Piece): void {
    this.#pieces.push(piece);
    this.#bytes += bytesOf(piece);
    while (
      this.#events > this.#limits.events || this.#bytes > this.#limits.bytes
    ) this.#drop();
    for (const wake of this.#wakes) wake();
  }

  #drop(): void {
    const dropped = this.#pieces[this.#head]!;
    this.#pieces[this.#head++] = null;
    this.#start = dropped.to;
    this.#bytes -= bytesOf(dropped);
    if (!("gap" in dropped.content)) this.#events -= dropped.content.count;
    if (this.#head < 64 || this.#head * 2 < this.#pieces.length) return;
    this.#pieces = this.#pieces.slice(this.#head);
    this.#offset += this.#head;
    this.#head = 0;
  }
}

/** One consumer's place in a feed. */
export class EventCursor {
  readonly #feed: EventFeed;
  /** Everything up to here was read, or is not wanted. */
  #after: LogIndex;
  /** The number of the piece that comes next. */
  #next = 0;
  #batch: Iterator<StateEvent> | null = null;
  /** Up to where `#batch` tells. */
  #batchTo: LogIndex = 0;

  /** See {@linkcode EventFeed.cursor}. */
  constructor(feed: EventFeed, from: LogIndex) {
    this.#feed = feed;
    this.#after = from;
  }

  /** The next event or gap; null: nothing yet. */
  next(): StateEvent | EventGap | null {
    for (;;) {
      const event = this.#nextInBatch();
      if (event !== null) return event;
      const from = this.#after;
      const { start } = this.#feed;
      if (from < start) {
        this.#after = start;
        return { gap: "lagged", from, to: start };
      }
      const found = this.#feed.pieceAt(this.#next);
      if (found === undefined) return null;
      const { content, to } = found.piece;
      this.#next = found.number + 1;
      if (to <= from) continue;
      if ("gap" in content) {
        this.#after = to;
        return content.from < from ? { ...content, from } : content;
      }
      this.#batch = content[Symbol.iterator]();
      this.#batchTo = to;
    }
  }

  #nextInBatch(): StateEvent | null {
    while (this.#batch !== null) {
      const { done, value } = this.#batch.next();
      if (done === true) {
        this.#batch = null;
        this.#after = Math.max(this.#after, this.#batchTo);
      } else if (value.index > this.#after) return value;
    }
    return null;
  }
}

/** Reads for many what a feed tells from now on, outside of the group's loop. */
export class FeedReader {
  readonly #cursor: EventCursor;
  readonly #take: (cursor: EventCursor) => void;
  readonly #unlisten: () => void;
  #due = false;

  /** `take` reads all that the cursor has. */
  constructor(feed: EventFeed, take: (cursor: EventCursor) => void) {
    this.#cursor = feed.cursor();
    this.#take = take;
    this.#unlisten = feed.listen(() => {
      if (this.#due) return;
      this.#due = true;
      // The group is in the middle of its loop.
      queueMicrotask(() => this.read());
    });
  }

  /** Takes now what was told since the last time, if anything was. */
  read(): void {
    if (!this.#due) return;
    this.#due = false;
    this.#take(this.#cursor);
  }

  /** Takes nothing any more. */
  end(): void {
    this.#due = false;
    this.#unlisten();
  }
}

function bytesOf({ content }: Piece): number {
  return BATCH_BYTES + ("gap" in content ? 0 : content.byteLength);
}
