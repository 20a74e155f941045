import assert from "node:assert/strict";
import {
  type Job,
  NO_SHARES,
  Shares,
} from "../../../../src/state/sqlite/read/shares.ts";

type Asked = Job<string, null>;

const LIMITS = { readers: 3, longMax: 2, sliceMs: 60_000 };

/** A query named by client and text, as "a: text". */
function job(name: string): Asked {
  const [client, text] = name.split(": ") as [string, string];
  const since = performance.now();
  return {
    ...{ work: null, client, text, since, timeoutMs: null, deadline: Infinity },
    ...{ resolve: () => {}, reject: () => {}, reader: null, begunAt: 0 },
    ...{ late: false, long: false, putBack: false },
  };
}

function sharesOf(names: readonly string[], queueMax = 100) {
  const shares = new Shares<string, null>(LIMITS, queueMax);
  for (const name of names) assert.equal(shares.add(job(name)), null);
  return shares;
}

/** Lets the next one run. */
function begin(shares: Shares<string, null>): Asked {
  const next = shares.next()!;
  shares.began(next);
  return next;
}

function names(jobs: Iterable<Asked>): string[] {
  return [...jobs].map(({ client, text }) => `${client}: ${text}`);
}

Deno.test("queries that have overrun their slice keep all readers as long as nobody waits", () => {
  const shares = sharesOf(["a: 1", "a: 2", "a: 3"]);
  for (const each of [1, 2, 3].map(() => begin(shares))) shares.overran(each);
  assert.deepEqual(shares.excess(), []);
  assert.equal(shares.wanting, 0);
});

Deno.test("a quick query gets the reader of the long one that began last, once", () => {
  const shares = sharesOf(["a: 1", "a: 2", "a: 3"]);
  const running = [1, 2, 3].map(() => begin(shares));
  for (const each of running) shares.overran(each);
  shares.add(job("a: quick"));
  shares.add(job("a: quicker"));
  const excess = shares.excess();
  assert.deepEqual(names(excess), ["a: 3"]);
  running[2]!.putBack = true;
  assert.deepEqual(shares.excess(), [], "two keep theirs, whoever waits");
  shares.ended(running[2]!, false);
  running[2]!.putBack = false;
  shares.putBack(running[2]!);
  assert.deepEqual(names([begin(shares)]), ["a: quick"]);
});

Deno.test("none is put back while a reader is free, is to be started, or is about to be free", () => {
  const shares = sharesOf(["a: 1", "a: 2"]);
  for (const each of [begin(shares), begin(shares)]) shares.overran(each);
  shares.add(job("a: quick"));
  assert.deepEqual(shares.excess(), []);
  const late = begin(shares);
  late.late = true;
  shares.add(job("a: other"));
  assert.deepEqual(shares.excess(), []);
});

Deno.test("two long queries run while others wait, and the third waits for one of them", () => {
  const shares = sharesOf(["a: 1", "a: 1", "a: 1", "a: 1"]);
  shares.overran(begin(shares));
  assert.deepEqual(names([begin(shares)]), ["a: 1"]);
  assert.equal(shares.wanting, 0);
  assert.equal(shares.next(), undefined);
  shares.add(job("a: quick"));
  assert.equal(shares.wanting, 1);
  assert.deepEqual(names([begin(shares)]), ["a: quick"]);
});

Deno.test("a text that took long is long from its start, for the same client only, until it does not", () => {
  const shares = sharesOf(["a: 1"]);
  const first = begin(shares);
  const { now } = performance;
  performance.now = () => now.call(performance) + 2 * LIMITS.sliceMs;
  try {
    shares.overran(first);
    shares.ended(first, true);
    const again = job("a: 1");
    shares.add(again);
    shares.add(job("b: 1"));
    assert.equal(again.long, true);
    assert.equal([...shares.waiting].filter(({ long }) => long).length, 1);
    assert.equal(begin(shares), again);
    shares.ended(again, true);
  } finally {
    performance.now = now;
  }
  const quick = job("a: 1");
  shares.add(quick);
  assert.equal(quick.long, false);
});

Deno.test("a text stays long whose process was lost before its slice was over", () => {
  const shares = sharesOf(["a: 1"]);
  shares.overran(begin(shares));
  const again = job("a: 1");
  shares.add(again);
  shares.began(again);
  shares.ended(again, false);
  const third = job("a: 1");
  shares.add(third);
  assert.equal(third.long, true);
});

Deno.test("of two clients with long queries each has one, and the other's youngest begins again", () => {
  const shares = sharesOf(["a: 1", "a: 2", "b: 1"]);
  const [first, second] = [begin(shares), begin(shares)] as [Asked, Asked];
  // Clients take turns: "b" is the second.
  assert.deepEqual(names([first, second]), ["a: 1", "b: 1"]);
  const crowd = sharesOf(["a: 1", "a: 2", "a: 3"]);
  const running = [1, 2, 3].map(() => begin(crowd));
  for (const each of running) crowd.overran(each);
  const other = job("b: 1");
  other.long = true;
  crowd.putBack(other);
  assert.deepEqual(names(crowd.excess()), ["a: 3"]);
  running[2]!.putBack = true;
  assert.deepEqual(crowd.excess(), []);
  crowd.ended(running[2]!, false);
  running[2]!.putBack = false;
  crowd.putBack(running[2]!);
  assert.deepEqual(names(crowd.excess()), ["a: 2"], "two are enough for both");
  running[1]!.putBack = true;
  crowd.ended(running[1]!, false);
  assert.deepEqual(names([begin(crowd)]), ["b: 1"]);
  assert.deepEqual(crowd.excess(), []);
});

Deno.test("a full queue has room for a client that has less waiting than another", () => {
  const shares = sharesOf(["a: 1", "a: 2", "a: 3"], 3);
  const fourth = job("a: 4");
  assert.equal(shares.add(fourth), fourth);
  const refused = shares.add(job("b: 1"))!;
  assert.deepEqual(names([refused]), ["a: 3"]);
  assert.deepEqual(names(shares.waiting), ["a: 1", "a: 2", "b: 1"]);
});

Deno.test("without shares nothing is long, and nobody gives way", () => {
  const shares = new Shares<string, null>(NO_SHARES, 10);
  for (const name of ["a: 1", "a: 2", "a: 3"]) shares.add(job(name));
  assert.deepEqual(names([begin(shares), begin(shares)]), ["a: 1", "a: 2"]);
  assert.deepEqual(shares.excess(), []);
  assert.deepEqual(names(shares.drain()), ["a: 3"]);
});
