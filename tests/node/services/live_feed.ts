import assert from "node:assert/strict";
import { EventFeed } from "../../../src/group/event_feed.ts";
import type { FollowedGroup } from "../../../src/node/services/live/change_feed.ts";
import { Following } from "../../../src/node/services/live/following.ts";
import type { LivePorts } from "../../../src/node/services/live/live_queries.ts";
import { encodeTables, SqlEvent } from "../../../src/state/sql/events.ts";
import type { Observation } from "../../../src/state/sql/port.ts";
import { NO_BYTES } from "../../../src/util/bytes.ts";
import { systemClock } from "../../../src/util/clock.ts";
import { listOf } from "../trio.ts";

/** A group whose entries a test applies, with the rows of one query. */
export class FakeGroup {
  group: FollowedGroup & {
    answered: number;
    core: { leader: string | null; commit: number };
  };
  history = "00000000-0000-4000-8000-000000000001";
  /** What the query reads. */
  tables: readonly string[] | null = ["t"];
  rows = "0";
  /** Indexes at which the query was run. */
  readonly runs: number[] = [];
  running = 0;
  runningMost = 0;
  /** What a run waits for before it reads, and before it answers. */
  before: Promise<void> | null = null;
  after: Promise<void> | null = null;
  failure: Error | null = null;
  readonly following: Following;

  constructor(
    applied = 0,
    limits = { events: 65_536, bytes: 4 * 1024 * 1024 },
  ) {
    this.group = {
      answered: 0,
      events: new EventFeed(applied, limits),
      core: { leader: "1.1", commit: applied },
    };
    this.following = new Following(
      {
        clock: systemClock,
        group: () => this.group,
        history: () => this.history,
        observe: (_, known) => this.#observe(known),
        applied: () => Promise.resolve(),
      } satisfies LivePorts,
    );
  }

  /** An entry that writes tables, changes the schema, or does neither. */
  apply(tables: readonly string[] = [], schema = false): number {
    const index = this.group.events.end + 1;
    const events = [
      ...schema ? [{ kind: SqlEvent.schema, bytes: NO_BYTES }] : [],
      ...tables.length === 0
        ? []
        : [{ kind: SqlEvent.tables, bytes: encodeTables(tables) }],
    ].map((event, seq) => ({ index, seq, ...event }));
    this.group.events.append(listOf(events), index);
    return index;
  }

  /** The member takes part with another loop. */
  rebuild(applied: number): void {
    this.group = {
      answered: 0,
      events: new EventFeed(applied),
      core: { leader: "1.1", commit: applied },
    };
    this.following.tick();
  }

  async #observe(known: string): Promise<Observation> {
    this.running++;
    this.runningMost = Math.max(this.runningMost, this.running);
    try {
      if (this.before !== null) await this.before;
      if (this.failure !== null) throw this.failure;
      const { rows, tables, group: { events: { end: index } } } = this;
      this.runs.push(index);
      if (this.after !== null) await this.after;
      const hash = rows.padStart(32, "0");
      const result = hash === known
        ? null
        : { columns: ["rows"], rows: [[rows]] };
      return { index, tables, hash, result };
    } finally {
      this.running--;
    }
  }
}

/** What is not told within this time is not told, ms. */
const QUIET_MS = 40;

/** Reads events one by one. Whoever expects one waits for it however long that takes: a busy machine is no failure. */
export class Told<T> {
  readonly #events: AsyncIterator<T>;
  readonly #text: (event: T) => string;
  #pending: Promise<IteratorResult<T>> | null = null;

  constructor(events: AsyncIterator<T>, text: (event: T) => string) {
    this.#events = events;
    this.#text = text;
  }

  /** The next event as text, or "end". */
  async next(): Promise<string> {
    const pending = this.#pending ?? this.#events.next();
    this.#pending = null;
    const { done, value } = await pending;
    return done ? "end" : this.#text(value);
  }

  /** Fails if there is one. */
  async none(): Promise<void> {
    this.#pending ??= this.#events.next();
    let timer;
    const quiet = new Promise((resolve) => {
      timer = setTimeout(resolve, QUIET_MS, "nothing");
    });
    try {
      const found = await Promise.race([this.#pending, quiet]);
      assert.equal(found, "nothing");
    } finally {
      clearTimeout(timer);
    }
  }
}
