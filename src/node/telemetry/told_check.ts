import { decodeJson } from "../../network/requests.ts";
import {
  type Durations,
  MEMBER_EVENT_KINDS,
  type MemberEvent,
  type MemberReport,
  type PeerSight,
  SLOW_KEPT,
  SLOW_TEXT_MAX,
  type SlowReport,
  type SlowStatement,
} from "../telemetry_port.ts";
import { EVENT_TEXT_MAX } from "./own_events.ts";

/** A larger report is not looked at. */
export const REPORT_BYTES_MAX = 16 * 1024;
/** A larger answer with events is not looked at. */
export const EVENTS_BYTES_MAX = 4 * 1024 * 1024;
/** A larger answer with slow statements is not looked at: a character takes six bytes at most. */
export const SLOW_BYTES_MAX = 2 * 1024 * 1024;
/** So many other members a report tells of at most. */
export const PEERS_MAX = 64;
/** Longest reason in a report, characters. */
export const REASON_MAX = 500;

/** The value if it is what is expected, else undefined. */
type Check<T> = (value: unknown) => T | undefined;

const amount: Check<number> = (value) =>
  typeof value === "number" && Number.isFinite(value) && value >= 0
    ? value
    : undefined;
const whole: Check<number> = (value) =>
  Number.isSafeInteger(value) && (value as number) >= 0
    ? value as number
    : undefined;
const truth: Check<boolean> = (value) =>
  typeof value === "boolean" ? value : undefined;
const text = (max: number): Check<string> => (value) =>
  typeof value === "string" && value.length <= max ? value : undefined;
const maybe = <T>(check: Check<T>): Check<T | null> => (value) =>
  value === null ? null : check(value);
const oneOf = <T extends string>(known: readonly T[]): Check<T> => (value) =>
  known.find((each) => each === value);
const listOf = <T>(check: Check<T>, max: number): Check<readonly T[]> =>
(
  value,
) => {
  if (!Array.isArray(value) || value.length > max) return undefined;
  const items = value.map(check);
  return items.every((item) => item !== undefined) ? items : undefined;
};
/** What is not named in `checks` is left out. */
const shaped = <T extends object>(
  checks: { readonly [K in keyof T]-?: Check<T[K]> },
): Check<T> =>
(value) => {
  if (typeof value !== "object" || value === null) return undefined;
  const found: Partial<T> = {};
  for (const name of Object.keys(checks) as (keyof T)[]) {
    const item = checks[name]((value as Partial<T>)[name]);
    if (item === undefined) return undefined;
    found[name] = item;
  }
  return found as T;
};

const DURATIONS = maybe(shaped<Durations>({
  count: whole,
  p50Ms: amount,
  p99Ms: amount,
  maxMs: amount,
}));

const REPORT = shaped<MemberReport>({
  member: text(64),
  nodeId: whole,
  version: text(64),
  atMs: amount,
  uptimeMs: amount,
  role: oneOf(["leader", "voter", "learner", "outside"]),
  leader: maybe(text(64)),
  term: whole,
  lastIndex: whole,
  commitIndex: whole,
  appliedIndex: whole,
  contactMs: maybe(amount),
  peers: listOf(
    shaped<PeerSight>({
      nodeId: whole,
      contactMs: maybe(amount),
      rttMs: maybe(amount),
    }),
    PEERS_MAX,
  ),
  fsync: DURATIONS,
  commit: DURATIONS,
  query: DURATIONS,
  writes: whole,
  writesFailed: whole,
  queries: whole,
  leaderChanges: whole,
  dbBytes: whole,
  walBytes: whole,
  logBytes: whole,
  diskFreeBytes: maybe(whole),
  pending: whole,
  loopLagMs: amount,
  snapshot: oneOf(["idle", "building", "sending", "receiving", "installing"]),
  checksum: maybe(shaped({ index: whole, hash: whole })),
  quarantine: maybe(text(REASON_MAX)),
  diskFull: truth,
  ready: text(REASON_MAX),
  newestEvent: whole,
});

const EVENT = shaped<MemberEvent>({
  nodeId: whole,
  number: whole,
  atMs: amount,
  kind: oneOf(MEMBER_EVENT_KINDS),
  group: maybe(text(64)),
  term: whole,
  about: maybe(whole),
  text: text(EVENT_TEXT_MAX),
  count: whole,
});

const SLOW = shaped<SlowReport>({
  limitMs: maybe(amount),
  statements: listOf(
    shaped<SlowStatement>({
      atMs: amount,
      kind: oneOf(["query", "write"]),
      sql: text(SLOW_TEXT_MAX + 1),
      ms: amount,
      failure: maybe(text(64)),
    }),
    SLOW_KEPT,
  ),
});

/** A report as it came over a link; undefined if it cannot be believed. */
export function reportFrom(bytes: Uint8Array): MemberReport | undefined {
  return bytes.length > REPORT_BYTES_MAX
    ? undefined
    : REPORT(decodeJson(bytes));
}

/** Events as they came over a link: those that this member understands; undefined if it is no list. */
export function eventsFrom(bytes: Uint8Array): MemberEvent[] | undefined {
  const list = bytes.length > EVENTS_BYTES_MAX ? null : decodeJson(bytes);
  return Array.isArray(list)
    ? list.map(EVENT).filter((event) => event !== undefined)
    : undefined;
}

/** Slow statements as they came over a link; undefined if they cannot be believed. */
export function slowFrom(bytes: Uint8Array): SlowReport | undefined {
  return bytes.length > SLOW_BYTES_MAX ? undefined : SLOW(decodeJson(bytes));
}
