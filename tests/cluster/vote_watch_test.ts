import { deepEqual, equal } from "node:assert/strict";
import { encodeMessage } from "../../src/network/raft_codec.ts";
import type { Message } from "../../src/raft/messages.ts";
import { VoteWatch } from "./vote_watch.ts";

const [A, B, C] = ["1.a", "2.b", "3.c"] as const;

function watching(messages: readonly Message[], group = 1): VoteWatch {
  const watch = new VoteWatch(1);
  for (const message of messages) watch.hear(encodeMessage(group, message));
  return watch;
}

function asks(from: string, term: number, preVote = false): Message {
  const lastLog = { term: 0, index: 0 };
  const what = { type: "requestVote", preVote, transfer: false } as const;
  return { ...what, from, to: B, term, lastLog };
}

function grants(from: string, to: string, term: number): Message {
  const what = { type: "voteReply", preVote: false, granted: true } as const;
  return { ...what, from, to, term };
}

function leads(from: string, term: number): Message {
  const what = { type: "heartbeat", commit: 0, round: 1, clockMs: 0 } as const;
  return { ...what, from, to: B, term };
}

Deno.test("a voter that gives two votes in a term is found, also if one of them is its own candidacy", () => {
  deepEqual(
    watching([grants(B, A, 1), grants(B, A, 1), grants(B, C, 2)])
      .contradictions,
    [],
  );
  deepEqual(watching([grants(B, A, 1), grants(B, C, 1)]).contradictions, [
    "vote of 2.b in term 1: 1.a and 3.c",
  ]);
  deepEqual(watching([asks(A, 1), grants(A, C, 1)]).contradictions, [
    "vote of 1.a in term 1: 1.a and 3.c",
  ]);
});

Deno.test("two leaders of a term are found; consents before an election and other groups do not count", () => {
  deepEqual(watching([leads(A, 1), leads(C, 1)]).contradictions, [
    "leader of term 1: 1.a and 3.c",
  ]);
  equal(watching([leads(A, 1), leads(C, 2), leads(C, 2)]).leaders, 2);
  equal(watching([asks(A, 1, true)]).votes, 0);
  equal(watching([asks(A, 1)], 2).votes, 0);
  deepEqual([...watching([asks(A, 1), grants(B, A, 1)]).voters], [A, B]);
});
