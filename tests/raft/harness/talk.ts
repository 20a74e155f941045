/** What a test says to a single core, and what it hears. */
import assert from "node:assert/strict";
import type { RaftCore } from "../../../src/raft/core.ts";
import type { Outcome, RaftStatus } from "../../../src/raft/io.ts";
import type { AppendEntries, Message } from "../../../src/raft/messages.ts";
import type { MemberId } from "../../../src/raft/types.ts";
import { ofType, vote } from "../make.ts";

/** Takes everything out, with every write durable at once; the messages in order. */
export function drain(core: RaftCore): Message[] {
  const messages: Message[] = [];
  for (let i = 0; core.hasReady(); i++) {
    assert(i < 1000, "the core never comes to rest");
    const { persist, send, sendAfterPersist } = core.takeReady();
    messages.push(...send);
    if (persist !== null) core.step({ kind: "persisted", id: persist.id });
    messages.push(...sendAfterPersist);
  }
  return messages;
}

/** Hands a message in, and takes nothing out. */
export function deliver(core: RaftCore, message: Message): void {
  core.step({ kind: "message", message });
}

/** Hands a message in and takes the answers out. */
export function receive(core: RaftCore, message: Message): Message[] {
  deliver(core, message);
  return drain(core);
}

/** Proposes `count` commands of `size` bytes to a leader; the appends it sends. */
export function propose(core: RaftCore, count = 1, size = 1): AppendEntries[] {
  const payloads = Array.from({ length: count }, () => new Uint8Array(size));
  const outcome = core.step({ kind: "propose", payloads });
  assert.equal(outcome.kind, "appended");
  return ofType(drain(core), "appendEntries");
}

/** Lets time pass, and takes nothing out. */
export function tick(core: RaftCore, count = 1): void {
  for (let i = 0; i < count; i++) core.step({ kind: "tick" });
}

/** Ticks until the core campaigns; it becomes candidate (or precandidate) or leader. */
export function tickUntilCampaign(core: RaftCore): Message[] {
  for (let i = 0; i < 100; i++) {
    tick(core);
    const messages = drain(core);
    if (core.role !== "follower") return messages;
  }
  throw new Error("no campaign within 100 ticks");
}

/** These grant a campaigning core what it asks for, and it leads; what it then sends. */
export function win(
  core: RaftCore,
  voters: readonly MemberId[] = ["2"],
): Message[] {
  const rounds = core.role === "precandidate" ? [true, false] : [false];
  const term = core.role === "precandidate" ? core.term + 1 : core.term;
  let messages: Message[] = [];
  for (const preVote of rounds) {
    for (const from of voters) {
      messages = receive(core, vote(term, true, { from, preVote }));
    }
  }
  assert.equal(core.role, "leader");
  return messages;
}

/** What a leader knows of a member. */
export function progressOf(
  core: RaftCore,
  id: MemberId = "2",
): RaftStatus["progress"][number] {
  const found = core.status().progress.find(({ member }) => member === id);
  assert(found !== undefined, `no progress of ${id}`);
  return found;
}

/** Why a request was refused, or what else came of it. */
export function reasonOf(outcome: Outcome): string {
  return outcome.kind === "refused" ? outcome.reason : outcome.kind;
}
