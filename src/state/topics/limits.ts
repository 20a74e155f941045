/** A topic's name. */
export const TOPIC_NAME = /^[A-Za-z0-9_.-]{1,64}$/;
/** Bytes of what one event carries. */
export const EVENT_DATA_BYTES_MAX = 256 * 1024;
/** Events that one entry of the log publishes. */
export const ENTRY_EVENTS_MAX = 1_000;
/** Bytes that the events of one entry carry together. */
export const ENTRY_EVENT_BYTES_MAX = 4 * 1024 * 1024;
/** What an event counts beside its topic and data, bytes. */
export const EVENT_BYTES = 64;
/** Topics, or beginnings of topics, that one listener names. */
export const LISTENED_TOPICS_MAX = 100;

/** How much of the past is kept. Decided by entries, so it is the same on every member. */
export const RETENTION = {
  events: 10_000,
  /** Bytes of topics and data, and {@linkcode EVENT_BYTES} for each. */
  bytes: 64 * 1024 * 1024,
  /** By the cluster clock, ms. */
  ageMs: 60 * 60 * 1000,
} as const;
