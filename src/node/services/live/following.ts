import type {
  ChangesRequest,
  LiveCounts,
  LiveEvent,
  LiveRequest,
  MemberLive,
  TableChanges,
} from "../../live_port.ts";
import { ChangeFeed } from "./change_feed.ts";
import { ChangeListeners } from "./changes.ts";
import { type LivePorts, LiveQueries } from "./live_queries.ts";

/** Everybody who follows the database as it changes on this member. */
export class Following implements MemberLive {
  readonly #feed: ChangeFeed;
  readonly #listeners: ChangeListeners;
  readonly #queries: LiveQueries;

  /** Of the database's group in `ports`. */
  constructor(ports: LivePorts) {
    this.#feed = new ChangeFeed(ports);
    this.#listeners = new ChangeListeners(ports, this.#feed);
    this.#queries = new LiveQueries(ports, this.#feed);
  }

  /** How many there are. */
  get counts(): LiveCounts {
    const { count: queries, runs } = this.#queries;
    return { listeners: this.#listeners.count, queries, runs };
  }

  /** See {@linkcode MemberLive}. */
  changes(request: ChangesRequest): TableChanges {
    return this.#listeners.changes(request);
  }

  /** See {@linkcode MemberLive}. */
  query(request: LiveRequest): AsyncIterable<LiveEvent> {
    return this.#queries.query(request);
  }

  /** Has them see that the group has another loop. Call it a few times a second. */
  tick(): void {
    this.#feed.tick();
  }

  /** Ends them all, and those to come. */
  close(): void {
    this.#feed.close();
  }
}
