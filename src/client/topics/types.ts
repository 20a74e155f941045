import type { StatementReference } from "../../state/sql/types.ts";

/** What an event carries: bytes, a text, or what JSON can say; at most 256 KiB. */
export type EventData =
  | Uint8Array
  | string
  | number
  | boolean
  | null
  | readonly unknown[]
  | { readonly [name: string]: unknown };

/** An event that a write publishes if it is applied. */
export interface Notification {
  /** 1 to 64 letters, digits, `_`, `.` or `-`. */
  readonly topic: string;
  /** What it carries; also a `ref()` to what a statement of the write returned: text and bytes as they are, numbers and NULL as JSON. */
  readonly data: EventData | { readonly $ref: StatementReference };
}

/** What a write publishes. */
export interface NotifyOption {
  /** Events that are published in the same commit, and not at all if the write is refused; at most 1,000, together 4 MiB of data. */
  readonly notify?: readonly Notification[];
}

/** What to listen to. */
export interface TopicOptions {
  /** Names of topics; with `*` at the end, all topics that begin so. 1 to 100. */
  readonly topics: readonly string[];
  /** The id of the event that was processed last, or `oldest`: all events that are kept. @default from now on */
  readonly since?: string;
  /** Ends the listening without an error. */
  readonly signal?: AbortSignal;
}

/** What a listener hears. `id` is the place to go on from once it is processed. */
export type TopicUpdate =
  | {
    readonly kind: "event";
    readonly id: string;
    readonly topic: string;
    readonly data: EventData;
  }
  /** Events are not kept any more that it has not heard. It goes on with the oldest that is kept. */
  | {
    readonly kind: "lagged";
    readonly id: string;
    /** The place up to which it has heard everything. */
    readonly from: string;
    /** The oldest event that is kept; null if none is. */
    readonly oldest: string | null;
    /** How many events are gone, of all topics. */
    readonly missed: number;
  }
  /** What came after `since` cannot be said: it is of another history of the cluster (`cluster recover`), or was never in this one. It goes on from now. */
  | { readonly kind: "reset"; readonly id: string; readonly from: string };
