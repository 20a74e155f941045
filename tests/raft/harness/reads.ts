import type { RaftCore } from "../../../src/raft/core.ts";
import type { Message } from "../../../src/raft/messages.ts";
import type { RaftOptions } from "../../../src/raft/options.ts";
import { ofType } from "../make.ts";
import { THREE } from "./configurations.ts";
import { coreOf, initOf } from "./core.ts";
import { deliver, tickUntilCampaign, win } from "./talk.ts";

/** Takes everything out; reads and messages apart. */
export function take(core: RaftCore) {
  const reads: { requestId: number; index: number | null }[] = [];
  const messages: Message[] = [];
  while (core.hasReady()) {
    const { persist, send, sendAfterPersist, reads: some } = core.takeReady();
    if (persist !== null) core.step({ kind: "persisted", id: persist.id });
    reads.push(...some);
    messages.push(...send, ...sendAfterPersist);
  }
  return { reads, messages };
}

export function read(core: RaftCore, requestId: number) {
  core.step({ kind: "readIndex", requestId });
  return take(core);
}

export function hear(core: RaftCore, message: Message) {
  deliver(core, message);
  return take(core);
}

export const roundOf = (messages: readonly Message[]): number =>
  ofType(messages, "heartbeat").at(-1)!.round;

/** A leader whose no-op is not committed. */
export function newLeader(options: Partial<RaftOptions> = {}): RaftCore {
  const core = coreOf(initOf("1", THREE), options);
  tickUntilCampaign(core);
  win(core);
  return core;
}
