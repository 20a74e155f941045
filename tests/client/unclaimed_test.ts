import assert from "node:assert/strict";
import { certainUntil } from "../../src/client/locks/lease.ts";
import { LockSession } from "../../src/client/locks/lock_session.ts";
import type { Transport } from "../../src/client/transport.ts";
import { HiqliteError } from "../../src/errors.ts";
import { CLAIM_MS } from "../../src/state/locks/table.ts";
import { randomBetween, SeededRandom } from "../../src/util/random.ts";
import { Scene } from "../state/locks/scene.ts";

/** So long that no renewal falls into a test. */
const TTL_MS = 60_000;
const TICKET = 20;
const TOKEN = 30;

type Claimed = "granted" | "lost";

/** A cluster that grants to who waited, and answers claims as the test says. */
class Cluster {
  readonly seen: string[] = [];
  /** How long after the lease was opened, by the cluster clock, the grant is passed on. */
  claimByMs = CLAIM_MS;
  claim: () => Promise<Claimed> = () => Promise.resolve("granted");
  /** How long the answer to the opening of the lease is on its way. */
  openMs = 0;

  readonly session = new LockSession({
    call: async (_route: unknown, request: {
      operation?: { kind: string };
      claimLater?: boolean;
    }) => {
      const kind = request.operation?.kind ?? "acquire";
      this.seen.push(kind);
      switch (kind) {
        case "acquire": {
          assert.equal(request.claimLater, true);
          const unclaimed = { ticket: TICKET, claimByMs: this.claimByMs };
          return { token: TOKEN, lease: 5, ttlMs: TTL_MS, index: 9, unclaimed };
        }
        case "claim": {
          const claimed = await this.claim();
          return {
            index: 1,
            answer: { kind: claimed, token: TOKEN, lease: 5 },
          };
        }
        case "release":
          return { index: 1, answer: { kind: "released", found: true } };
      }
      if (this.openMs > 0) {
        await new Promise((resolve) => setTimeout(resolve, this.openMs));
      }
      const answer = { kind: "leased", lease: 5, ttlMs: TTL_MS, clockMs: 0 };
      return { index: 1, answer };
    },
  } as unknown as Transport, "tests");

  lock() {
    return this.session.lock("job", { ttlMs: TTL_MS });
  }
}

/** Lets answers that are there be heard. */
function settled(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) =>
    signal.addEventListener("abort", () => resolve())
  );
}

Deno.test("who waited has the lock before its claim is answered, and keeps it after that", async () => {
  const cluster = new Cluster();
  const claimed = Promise.withResolvers<Claimed>();
  cluster.claim = () => claimed.promise;
  cluster.claimByMs = 300;
  const lock = await cluster.lock();
  assert.deepEqual(cluster.seen, ["open", "acquire", "claim"]);
  lock.check();
  assert.ok(lock.held);
  claimed.resolve("granted");
  await settled();
  await new Promise((resolve) => setTimeout(resolve, 350));
  lock.check();
  assert.ok(!lock.signal.aborted);
  await lock.release();
  await cluster.session.close();
  assert.equal(cluster.seen.filter((kind) => kind === "claim").length, 1);
});

Deno.test("a claim that nobody answers loses the lock in time, is tried until then, and what it may have got is given back", async () => {
  const cluster = new Cluster();
  let tried = 0;
  cluster.claim = () => {
    tried++;
    return Promise.reject(new HiqliteError("no_leader", "nobody leads"));
  };
  cluster.claimByMs = 400;
  const lock = await cluster.lock();
  await aborted(lock.signal);
  assert.equal(lock.signal.reason.code, "lock_lost");
  assert.equal(lock.held, false);
  assert.throws(() => lock.check(), { code: "lock_lost", message: /in time/ });
  assert.ok(tried > 1);
  await settled();
  assert.ok(cluster.seen.includes("release"));
  await cluster.session.close();
});

Deno.test("an answer that comes too late does not bring the lock back, though the process could not run meanwhile", async () => {
  const cluster = new Cluster();
  const claimed = Promise.withResolvers<Claimed>();
  cluster.claim = () => claimed.promise;
  cluster.claimByMs = 100;
  const lock = await cluster.lock();
  const until = performance.now() + 120;
  while (performance.now() < until);
  claimed.resolve("granted");
  // Before any timer.
  for (let turn = 0; turn < 10; turn++) await Promise.resolve();
  assert.equal(lock.held, false);
  assert.ok(lock.signal.aborted);
  await settled();
  await cluster.session.close();
});

Deno.test("a grant that was passed on is lost as soon as its claim says so", async () => {
  const cluster = new Cluster();
  cluster.claim = () => Promise.resolve("lost");
  const lock = await cluster.lock();
  if (!lock.signal.aborted) await aborted(lock.signal);
  assert.throws(() => lock.check(), {
    code: "lock_lost",
    message: /passed on/,
  });
  await cluster.session.close();
});

Deno.test("a lock that is released is not lost by what its claim says", async () => {
  const cluster = new Cluster();
  const claimed = Promise.withResolvers<Claimed>();
  cluster.claim = () => claimed.promise;
  const lock = await cluster.lock();
  assert.equal(await lock.release(), true);
  claimed.resolve("lost");
  await settled();
  assert.ok(!lock.signal.aborted);
  assert.throws(() => lock.check(), { code: "lock_lost", message: /released/ });
  await cluster.session.close();
});

Deno.test("where it cannot be said how long a grant is there it is claimed first", async () => {
  for (
    const [answer, openMs, claimByMs] of [
      ["granted", 0, 0],
      ["lost", 0, 0],
      // Its time counts from when the lease was asked for.
      ["granted", 200, 200],
    ] as const
  ) {
    const cluster = new Cluster();
    const claimed = Promise.withResolvers<Claimed>();
    cluster.claim = () => claimed.promise;
    Object.assign(cluster, { openMs, claimByMs });
    const got = cluster.lock();
    got.catch(() => {});
    let early = true;
    got.then(() => early = false, () => early = false);
    while (!cluster.seen.includes("claim")) await settled();
    await settled();
    assert.ok(early);
    claimed.resolve(answer);
    if (answer === "granted") {
      const lock = await got;
      assert.ok(lock.held);
      await lock.release();
    } else await assert.rejects(got, { code: "lock_lost" });
    await cluster.session.close();
  }
});

/** Time as the cluster, the machine of a client, and nobody knows it. */
class World {
  readonly #random: SeededRandom;
  /** How fast the client's clock runs: clocks differ by less than a tenth in all. */
  readonly #rate: number;
  clientMs = 5_000;
  #clockMs = 7_000;
  readonly scene: Scene = new Scene();

  constructor(seed: number) {
    this.#random = new SeededRandom(seed);
    this.#rate = 0.95 + this.draw(0, 100) / 1_000;
    this.scene.clockMs = Math.floor(this.#clockMs);
  }

  draw(from: number, to: number): number {
    return randomBetween(this.#random, from, to);
  }

  /** Some time passes; the cluster clock counts it, or stands still while nobody leads. */
  pass(): void {
    const ms = this.draw(0, 400);
    this.clientMs += ms * this.#rate;
    if (this.draw(0, 5) > 0) {
      this.#clockMs += ms * (0.95 + this.draw(0, 100) / 1_000);
    }
    this.scene.clockMs = Math.max(
      this.scene.clockMs,
      Math.floor(this.#clockMs),
    );
  }
}

Deno.test("no client believes in a grant that another one has, whatever the clocks did and however late it heard of it", () => {
  const met = { believed: 0, passedOn: 0, claimed: 0 };
  for (let seed = 0; seed < 3_000; seed++) {
    const world = new World(seed);
    const { scene } = world;
    const first = scene.granted("job", scene.open(TTL_MS));
    const ttlMs = world.draw(200, 8_000);
    const sentMs = world.clientMs;
    world.pass();
    const lease = scene.open(ttlMs);
    const anchor = { sentMs, clockMs: scene.clockMs };
    const ticket = scene.waiting("job", lease);
    const other = scene.waiting("job", scene.open(TTL_MS));
    for (let steps = world.draw(0, 6); steps > 0; steps--) world.pass();
    scene.do({ kind: "renew", lease });
    const claims = scene.claims.length;
    scene.release("job", first);
    const claim = scene.claims[claims];
    // Its lease may have been over.
    if (claim === undefined || claim.ticket !== ticket) continue;
    // The event, or the claim, may be on its way for as long as it likes.
    const untilMs = certainUntil(anchor, claim.byMs);
    let claimed = false;
    for (let step = 0; step < 60 && !claimed; step++) {
      world.pass();
      if (world.draw(0, 30) === 0) {
        claimed = scene.claim("job", ticket).kind === "granted";
        if (claimed) met.claimed++;
      } else scene.pass();
      const passedOn = scene.claims.some((later) => later.ticket === other);
      const believes = world.clientMs < untilMs;
      if (believes) met.believed++;
      if (passedOn) met.passedOn++;
      assert.ok(!(believes && passedOn), `seed ${seed}, step ${step}`);
    }
  }
  for (const [what, times] of Object.entries(met)) assert.ok(times > 100, what);
});
