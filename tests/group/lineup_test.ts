import assert from "node:assert/strict";
import type { ProposalInbox, WaitingProposal } from "../../src/group/inbox.ts";
import { Lineup } from "../../src/group/lineup.ts";

/** What a lineup needs of an inbox. */
class Waiting {
  items: WaitingProposal[] = [];

  get size(): number {
    return this.items.length;
  }

  take(count: number): WaitingProposal[] {
    return this.items.splice(0, count);
  }

  putBack(batch: readonly WaitingProposal[]): void {
    this.items.unshift(...batch);
  }
}

function proposal(): WaitingProposal {
  return { payload: new Uint8Array(1), done: () => {} };
}

function lineup(): { waiting: Waiting; lineup: Lineup } {
  const waiting = new Waiting();
  return { waiting, lineup: new Lineup(waiting as unknown as ProposalInbox) };
}

Deno.test("suspects that were refused meanwhile leave no empty batch behind", () => {
  const { waiting, lineup: line } = lineup();
  const slow = proposal();
  line.suspect(2, true);
  line.defer(slow);
  // For lack of room everything that waited was refused.
  assert.ok(line.waiting);
  assert.deepEqual(line.take(), [slow]);
  assert.ok(line.alone);
  waiting.items.push(proposal(), proposal());
  assert.equal(line.take().length, 2);
  assert.ok(!line.alone);
});

Deno.test("a slow proposal has its turn once others were committed, or when more of them wait than may", () => {
  const { waiting, lineup: line } = lineup();
  const slow = Array.from({ length: 6 }, proposal);
  line.defer(slow[0]!);
  waiting.items.push(proposal());
  assert.equal(line.take().length, 1);
  assert.ok(!line.alone, "others first");
  line.committed();
  waiting.items.push(proposal());
  assert.deepEqual(line.take(), [slow[0]]);
  for (const each of slow) line.defer(each);
  assert.deepEqual(line.take(), [slow[0]], "there are too many of them");
  assert.ok(line.alone);
});

Deno.test("what could not be proposed comes again as it came; without leadership all wait in the inbox", () => {
  const { waiting, lineup: line } = lineup();
  const [a, b, slow] = [proposal(), proposal(), proposal()];
  waiting.items.push(a, b);
  line.suspect(2, true);
  const taken = line.take();
  assert.equal(line.trialMs, 200);
  line.again(taken);
  assert.deepEqual(line.take(), [a]);
  assert.equal(line.trialMs, 200, "still a trial");
  line.defer(slow);
  assert.equal(line.size, 1);
  line.disperse();
  assert.deepEqual([line.size, waiting.items], [0, [slow, b]]);
  assert.equal(line.take().length, 2, "nobody is suspected any more");
});

Deno.test("what runs alone is to blame for how it ends; in a batch only who is known, or was the only one and took too long", () => {
  const { waiting, lineup: line } = lineup();
  waiting.items.push(proposal(), proposal());
  assert.equal(line.take().length, 2);
  assert.equal(line.culprit(2, null, false), null);
  assert.equal(line.culprit(2, null, true), null);
  assert.equal(line.culprit(2, 1, false), 1);
  assert.equal(line.culprit(1, null, false), null, "it was no trial");
  assert.equal(line.culprit(1, null, true), 0);
  waiting.items.push(proposal(), proposal());
  line.suspect(2, false);
  assert.equal(line.take().length, 1);
  assert.equal(line.culprit(1, null, false), 0);
});
