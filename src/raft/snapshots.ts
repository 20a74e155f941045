import { assert } from "../util/assert.ts";
import { commitTo } from "./commitment.ts";
import { ConfigStack } from "./config_stack.ts";
import { acceptAppend } from "./following.ts";
import type { Input } from "./io.ts";
import type { SnapshotReceived } from "./messages.ts";
import { hearLeader } from "./roles.ts";
import type { RaftState } from "./state.ts";
import type { SnapshotMeta } from "./types.ts";

/** Followers: a snapshot is durable beside the state. What the log already covers need not be installed (§7). */
export function receiveSnapshot(
  state: RaftState,
  message: SnapshotReceived,
): void {
  hearLeader(state, message.from);
  if (state.installing !== null) return;
  const { last } = message.snapshot;
  if (last.index <= state.commit) {
    acceptAppend(state, message, state.commit);
  } else if (state.log.has(last)) {
    commitTo(state, last.index);
    acceptAppend(state, message, last.index);
  } else {
    state.installing = message.snapshot;
    state.outbox.installSnapshot = message.snapshot;
  }
}

/** The snapshot is the state now, and the log begins after it. Its configuration holds. */
export function snapshotInstalled(
  state: RaftState,
  { last, config }: SnapshotMeta,
): void {
  assert(
    state.installing?.last.index === last.index,
    `snapshot ${last.index} was installed, not ${state.installing?.last.index}`,
  );
  state.installing = null;
  state.log.reset(last);
  state.configs = new ConfigStack({ last, config });
  state.persistence.reset(last.index);
  state.commit = last.index;
  state.applied = last.index;
  if (state.leader !== null) {
    acceptAppend(state, { from: state.leader }, last.index);
  }
}

/** Leaders: the stream of a snapshot ended. */
export function snapshotSent(
  state: RaftState,
  { to, last, ok }: Extract<Input, { kind: "snapshotSent" }>,
): void {
  const progress = state.progress.get(to);
  if (progress?.state !== "snapshot") return;
  if (ok) {
    progress.probeFrom(last.index + 1);
    // Installing takes a while; ask with the next heartbeat, unless its reply comes first.
    progress.paused = true;
  } else {
    progress.probeFrom(progress.match + 1);
    progress.snapshotPause = Math.ceil(
      state.options.electionTicks / state.options.heartbeatTicks,
    );
  }
}
