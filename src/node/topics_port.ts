import type { LogIndex } from "../raft/types.ts";
import type { StoredValue } from "../state/stored_value.ts";
import type { Notice } from "../state/topics/notice.ts";

/** What to publish. */
export interface NotifyRequest {
  /** 1 to 1,000 events, together 4 MiB of data at most. */
  readonly notices: readonly Notice[];
  /** A retry with the same key applies once; at most 128 bytes of UTF-8. */
  readonly idempotencyKey?: string;
  /** How long to wait for the answer, ms; a leader is looked for at most 10 s of it. @default {120_000} */
  readonly timeoutMs?: number;
}

/** Where events were published. */
export interface NotifyAnswer {
  /** The ids of the events, in their order. */
  readonly ids: readonly string[];
  /** Their place in the log of the durable group. */
  readonly index: LogIndex;
}

/** What to listen to. */
export interface ListenRequest {
  /** Names of topics, and beginnings of names with `*` at their end; 1 to 100. */
  readonly topics: readonly string[];
  /** The id of the event that was told last, or `oldest`: everything that is kept. @default from now on */
  readonly since?: string;
  /** Ends the listening. */
  readonly signal?: AbortSignal;
  /** Tell the place at the start, and after so long without anything else, ms. @default no places are told */
  readonly placesMs?: number;
}

/** What a listener hears. Each has the id to go on from. Shared by all who hear it: not to be changed. */
export type TopicMessage =
  | {
    readonly kind: "event";
    readonly id: string;
    readonly topic: string;
    readonly data: StoredValue;
  }
  /** Events after `from` are not kept any more: it goes on with the oldest that is. */
  | {
    readonly kind: "lagged";
    readonly id: string;
    /** The last place that was told. */
    readonly from: string;
    /** The oldest event that is kept; null if none is. */
    readonly oldest: string | null;
    /** How many events are gone, of all topics. */
    readonly missed: number;
  }
  /** The place to go on from is of another history of the cluster: it goes on from now. */
  | { readonly kind: "reset"; readonly id: string; readonly from: string }
  /** Everything up to here was told. */
  | { readonly kind: "place"; readonly id: string };

/** Topics as a member has them. */
export interface TopicsReport {
  /** Events published in the cluster's history. */
  readonly published: number;
  /** Events that are kept. */
  readonly retained: number;
  /** Bytes of topics and data that are kept, and 64 for each event. */
  readonly bytes: number;
  /** Who listens at this member. */
  readonly listeners: number;
  /** Times that a listener of this member missed something, since it started. */
  readonly lagged: number;
}

/** The topics of a cluster, at one of its members. */
export interface MemberTopics {
  /**
   * Publishes events, all or none, and resolves when that is applied on the leader and here.
   * @throws {HiqliteError} `invalid`, `too_large`, `no_leader`, `overloaded`, `shutting_down`: not published; `outcome_unknown`: perhaps published.
   */
  notify(request: NotifyRequest): Promise<NotifyAnswer>;
  /**
   * Tells what is published after the call, or after `since`, in order, until the signal aborts.
   * @throws {HiqliteError} `invalid`; `no_leader` before the member belongs to a cluster; `overloaded` if there are 1,000 listeners; `shutting_down` when the member stops.
   */
  listen(request: ListenRequest): AsyncIterable<TopicMessage>;
  /** How it stands with them here. */
  report(): TopicsReport;
}
