import assert from "node:assert/strict";
import type { RaftGroup } from "../../../src/group/group.ts";
import type { ProposalResult } from "../../../src/group/proposals.ts";
import { fromPeer } from "../../../src/node/groups/attempt.ts";
import {
  encodeProposal,
  envelopeOf,
  type ProposedTo,
  proposeHandler,
} from "../../../src/node/groups/forwarding.ts";
import type { PeerIdentity } from "../../../src/network/port.ts";
import { ProposerSession } from "../../../src/node/groups/proposer_session.ts";
import { decodeEnvelope, NO_IDENTITY } from "../../../src/state/envelope.ts";

const peer: PeerIdentity = {
  id: "1.a",
  clusterId: "",
  raftAddress: "",
  apiAddress: "",
  level: 1,
  groups: [],
  engine: "",
};

const NONE: ProposedTo = { group: null, epoch: 0 };

/** What the leader's side of a request comes to on the asking side. */
function ask(
  groups: Map<number, ProposedTo>,
  proposal: Uint8Array,
): unknown {
  let attempt: unknown;
  proposeHandler((id) => groups.get(id))(peer, proposal, (ok, body) => {
    attempt = fromPeer({ kind: ok ? "ok" : "error", body });
  });
  return attempt;
}

Deno.test("a proposal reaches the group that it names, as the envelope that was sent", () => {
  const seen: Uint8Array[] = [];
  let told = 0;
  const group = {
    propose: (payload: Uint8Array, done: (result: ProposalResult) => void) => {
      seen.push(payload);
      done({ kind: "applied", index: 1, answer: new Uint8Array([9]) });
    },
    tellCommits: () => told++,
  } as unknown as RaftGroup;
  const identity = { ...NO_IDENTITY, session: 4, sequence: 2 };
  const groups = new Map([[0, NONE], [7, { group, epoch: 2 }]]);
  const proposal = encodeProposal(
    { group: 7, epoch: 2 },
    "command",
    identity,
    (w) => w.u8(5),
  );
  const attempt = ask(groups, proposal);
  assert.deepEqual(attempt, { kind: "applied", answer: new Uint8Array([9]) });
  assert.equal(told, 1, "who asked waits until it has applied the entry, too");
  assert.deepEqual(seen, [envelopeOf(proposal).slice()]);
  const { session, sequence, body } = decodeEnvelope(seen[0]!);
  assert.deepEqual([session, sequence, [...body]], [4, 2, [5]]);
});

Deno.test("a leader that does not host the group, or is in no cluster, refuses in words", () => {
  const groups = new Map([[0, NONE]]);
  assert.deepEqual(
    ask(groups, encodeProposal({ group: 7, epoch: 1 }, "command", NO_IDENTITY)),
    {
      kind: "refused",
      reason: "not_leader",
      detail: "this member does not host group 7",
    },
  );
  assert.deepEqual(
    ask(groups, encodeProposal({ group: 0, epoch: 0 }, "command", NO_IDENTITY)),
    { kind: "refused", reason: "not_leader", detail: "not in a cluster yet" },
  );
});

Deno.test("a leader takes no proposal that was made for another epoch of its group", () => {
  const group = {
    propose: () => assert.fail("it was taken"),
  } as unknown as RaftGroup;
  const groups = new Map([[7, { group, epoch: 2 }]]);
  assert.deepEqual(
    ask(groups, encodeProposal({ group: 7, epoch: 1 }, "command", NO_IDENTITY)),
    {
      kind: "refused",
      reason: "not_leader",
      detail: "group 7 is in epoch 2, not 1",
    },
  );
});

Deno.test("a session tells which of its writes need no answer any more", () => {
  const session = new ProposerSession(42, 0);
  const [a, b, c] = [1, 2, 3].map(() => session.begin(""));
  assert.deepEqual([a!.session, a!.sequence, c!.sequence], [42, 1, 3]);
  session.end(b!);
  assert.equal(session.begin("").answeredBelow, 1);
  session.end(a!);
  assert.equal(session.begin("").answeredBelow, 3);
});
