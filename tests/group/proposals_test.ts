import assert from "node:assert/strict";
import v8 from "node:v8";
import { runInNewContext } from "node:vm";
import { PendingProposals } from "../../src/group/proposals.ts";

v8.setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

/** Something that a proposal's end needs, as the command of a client. */
class Asked {
  ends = 0;
}

function asked(proposals: PendingProposals, index: number): WeakRef<Asked> {
  const command = new Asked();
  proposals.add(index, 1, () => command.ends++);
  return new WeakRef(command);
}

Deno.test("what was proposed is not kept once it is done, applied or given up", async () => {
  const proposals = new PendingProposals();
  const applied = asked(proposals, 1);
  const waits = asked(proposals, 2);
  const cut = asked(proposals, 5);
  proposals.applied(1, 1, new Uint8Array(0));
  const last = asked(proposals, 4);
  assert.equal(proposals.size, 2);
  // A reference that was just made lives until its turn is over.
  await new Promise((resolve) => setTimeout(resolve, 0));
  collect();
  assert.equal(applied.deref(), undefined);
  assert.equal(cut.deref(), undefined);
  assert.equal(waits.deref()?.ends, 0);
  proposals.abandon("enough");
  assert.equal(proposals.size, 0);
  await new Promise((resolve) => setTimeout(resolve, 0));
  collect();
  assert.equal(waits.deref(), undefined);
  assert.equal(last.deref(), undefined);
});
