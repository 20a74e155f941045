/** States as text: equal texts, equal futures. */
import type { RaftCore } from "../../../src/raft/core.ts";
import type { Message } from "../../../src/raft/messages.ts";
import type { Entry } from "../../../src/raft/types.ts";
import type { Member, World } from "./world.ts";

/** Clocks, and ids of finished writes: they do not decide what can happen. */
const IRRELEVANT = new Set([
  "id",
  "options",
  "random",
  "ticks",
  "electionElapsed",
  "electionTimeout",
  "heartbeatElapsed",
  "ownVoteWrite",
  "totals",
  "nextId",
  "durableId",
  "since",
  "payload",
]);

/** What tells two cores apart as far as the future goes. */
function printCore(core: RaftCore): string {
  const { state } = core as unknown as {
    state: { ownVoteWrite: number; persistence: { nextId: number } };
  };
  const voteAge = state.persistence.nextId - state.ownVoteWrite;
  return `${core.role === "candidate" ? voteAge : ""}${printValue(state)}`;
}

function printValue(value: unknown): string {
  if (typeof value !== "object" || value === null) return `${value}`;
  if (value instanceof Map) return printValue([...value]);
  let print = "";
  if (Array.isArray(value)) {
    for (const item of value) print += `,${printValue(item)}`;
    return `[${print}]`;
  }
  const record = value as Record<string, unknown>;
  for (const key in record) {
    if (!IRRELEVANT.has(key)) print += `,${printValue(record[key])}`;
  }
  return `{${print}}`;
}

/** 53 bits of a text (cyrb53): collisions are unlikely below 10^7 states. */
function hash(text: string): number {
  let a = 0xdeadbeef;
  let b = 0x41c6ce57;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    a = Math.imul(a ^ code, 2654435761);
    b = Math.imul(b ^ code, 1597334677);
  }
  a = Math.imul(a ^ (a >>> 16), 2246822507) ^
    Math.imul(b ^ (b >>> 13), 3266489909);
  b = Math.imul(b ^ (b >>> 16), 2246822507) ^
    Math.imul(a ^ (a >>> 13), 3266489909);
  return 4294967296 * (2097151 & b) + (a >>> 0);
}

export const printEntry = ({ term, payload }: Entry): string =>
  `${term}.${payload}`;

export function printMember(member: Omit<Member, "key" | "steps">): string {
  const { core, hardState, disk, log, writes } = member;
  const pending = writes.map(({ persist, after }) => {
    const { hardState, truncateAfter, entries } = persist;
    const wait = after.map(showMessage);
    const { term, vote } = hardState ?? {};
    return [term, vote, truncateAfter, entries.map(printEntry), wait].join();
  });
  return [
    core.status().id,
    printCore(core),
    hardState.term,
    hardState.vote,
    disk.map(printEntry),
    log.map(printEntry),
    pending.join(";"),
  ].join("|");
}

export function showMessage(message: Message): string {
  return JSON.stringify(
    message,
    (key, value) => key === "payload" ? `${value}` : value,
  );
}

export function printWorld(
  { members, wire, left, leaders, committed, reads }: World,
): number {
  let print =
    `${left.proposals},${left.crashes},${left.heartbeats},${left.reads}`;
  for (const { key } of members) print += `|${key}`;
  for (const { key } of wire) print += `,${key}`;
  for (const term in leaders) print += `;${term}${leaders[term]}`;
  for (const read in reads) print += `:${read}${reads[read]}`;
  for (const entry of committed) print += `!${printEntry(entry)}`;
  return hash(print);
}
