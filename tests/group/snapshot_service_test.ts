import assert from "node:assert/strict";
import { SnapshotSender } from "../../src/group/snapshot_sender.ts";
import { SnapshotService } from "../../src/group/snapshot_service.ts";
import type { Snapshot } from "../../src/state/port.ts";
import { ListMachine } from "../node/trio.ts";

/** A service on a machine whose steps run when the test says so. */
class Lending {
  readonly steps: (() => void)[] = [];
  readonly machine = new ListMachine((step) => void this.steps.push(step));
  readonly failed: string[] = [];
  readonly released: number[] = [];
  builds = 0;
  readonly service = new SnapshotService({
    machine: this.machine,
    failed: ({ message }) => void this.failed.push(message),
  });

  constructor() {
    const { machine } = this;
    const { snapshot } = machine;
    machine.snapshot = (done) => {
      this.builds++;
      snapshot.call(machine, (error, built) => {
        const release = () => void this.released.push(built!.last.index);
        done(error, built && { ...built, release });
      });
    };
  }

  at(index: number): void {
    this.machine.applied = { term: 1, index };
  }

  run(): void {
    for (let step; (step = this.steps.shift()) !== undefined;) step();
  }

  /** Somebody who wants a snapshot. */
  user(atLeast: number): User {
    return new User(this.service, atLeast);
  }
}

class User {
  readonly got: (Snapshot | Error)[] = [];
  readonly lease;

  constructor(service: SnapshotService, atLeast: number) {
    this.lease = service.use(
      atLeast,
      (error, snapshot) => void this.got.push(error ?? snapshot!),
    );
  }

  get snapshot(): Snapshot {
    assert.equal(this.got.length, 1);
    assert.ok(!(this.got[0] instanceof Error), String(this.got[0]));
    return this.got[0]!;
  }

  get error(): string {
    assert.equal(this.got.length, 1);
    assert.ok(this.got[0] instanceof Error);
    return this.got[0].message;
  }
}

Deno.test("SnapshotService shares one build among all who wait, and one snapshot among all who can use it", () => {
  const lending = new Lending();
  lending.at(10);
  const [first, second] = [lending.user(5), lending.user(10)];
  assert.equal(lending.service.oldest, 10);
  lending.run();
  lending.at(20);
  const third = lending.user(10);
  assert.equal(first.snapshot, second.snapshot);
  assert.equal(first.snapshot, third.snapshot);
  assert.equal(lending.builds, 1);
  first.lease.release();
  first.lease.release();
  second.lease.release();
  assert.deepEqual(lending.released, []);
  assert.equal(lending.service.oldest, 10);
  third.lease.release();
  assert.deepEqual(lending.released, [10]);
  assert.equal(lending.service.oldest, null);
});

Deno.test("SnapshotService builds another one for who needs more, and keeps the old one as long as it is used", () => {
  const lending = new Lending();
  lending.at(10);
  const early = lending.user(0);
  lending.run();
  lending.at(20);
  const late = lending.user(15);
  assert.equal(late.got.length, 0);
  lending.run();
  assert.equal(late.snapshot.last.index, 20);
  assert.equal(early.snapshot.last.index, 10);
  assert.equal(lending.user(0).snapshot.last.index, 20);
  assert.equal(lending.service.oldest, 10);
  early.lease.release();
  assert.deepEqual(lending.released, [10]);
  assert.equal(lending.service.oldest, 20);
});

Deno.test("SnapshotService builds again for who came while one was built that is too old for it", () => {
  const lending = new Lending();
  lending.at(10);
  const early = lending.user(0);
  lending.at(20);
  const late = lending.user(20);
  lending.run();
  assert.equal(early.snapshot.last.index, 10);
  assert.equal(late.snapshot.last.index, 20);
  assert.equal(lending.builds, 2);
});

Deno.test("SnapshotService tells who wants more than the state has, and does not build for ever", () => {
  const lending = new Lending();
  lending.at(10);
  const ahead = lending.user(11);
  lending.run();
  assert.match(ahead.error, /up to entry 11 is wanted, the state is at 10/);
  assert.deepEqual(lending.released, [10]);
  assert.equal(lending.builds, 1);
});

Deno.test("SnapshotService tells everyone who waits that none can be built, and builds for the next", () => {
  const lending = new Lending();
  lending.at(10);
  const { snapshot } = lending.machine;
  lending.machine.snapshot = (done) =>
    void lending.steps.push(() => done(new Error("no room"), null));
  const users = [lending.user(1), lending.user(2)];
  lending.run();
  assert.deepEqual(users.map(({ error }) => error), ["no room", "no room"]);
  assert.deepEqual(lending.failed, ["no room"]);
  assert.equal(lending.service.oldest, null);
  lending.machine.snapshot = snapshot;
  const next = lending.user(1);
  lending.run();
  assert.equal(next.snapshot.last.index, 10);
});

Deno.test("SnapshotService lends nothing to who waits no more, and drops what nobody wants in the end", () => {
  const lending = new Lending();
  lending.at(10);
  const gone = lending.user(1);
  gone.lease.release();
  lending.run();
  assert.deepEqual(gone.got, []);
  assert.deepEqual(lending.released, [10]);
});

Deno.test("a backup and a follower that is behind share one snapshot, and each may end first", () => {
  for (const backupFirst of [true, false]) {
    const lending = new Lending();
    lending.at(10);
    lending.machine.items = ["x".repeat(600_000)];
    const sent: boolean[] = [];
    const chunks: number[] = [];
    const sender = new SnapshotSender({
      snapshots: lending.service,
      self: "1.a",
      send: ({ offset }) => void chunks.push(offset),
      sent: (_to, _last, ok) => void sent.push(ok),
      failed: (error) => assert.fail(error),
    });
    const backup = lending.user(0);
    sender.start("2.b", 1, 5);
    lending.run();
    assert.equal(lending.builds, 1);
    const { size, last } = backup.snapshot;
    assert.deepEqual(chunks, [0, 262_144, 524_288]);
    const endStream = () => {
      const ack = { from: "2.b", to: "1.a", term: 1, last, offset: size };
      sender.acknowledged({ type: "snapshotAck", ...ack, state: "done" });
      assert.deepEqual(sent, [true]);
    };
    const endBackup = () => backup.lease.release();
    const ends = backupFirst ? [endBackup, endStream] : [endStream, endBackup];
    ends[0]!();
    assert.deepEqual(lending.released, []);
    ends[1]!();
    assert.deepEqual(lending.released, [10]);
    assert.equal(sender.active, false);
  }
});
