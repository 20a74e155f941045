import assert from "node:assert/strict";
import * as fs from "node:fs";
import { join } from "node:path";
import { configOf } from "../../../src/config/options.ts";
import { MemoryLog } from "../../../src/log/memory_log.ts";
import type { SqlMachine } from "../../../src/state/sql/port.ts";
import { type StorageOpener, Vault } from "../../../src/node/volume/vault.ts";
import { EntryKind, NO_CONFIGURATION } from "../../../src/raft/types.ts";
import { StateDamagedError } from "../../../src/state/port.ts";
import { Logger } from "../../../src/util/logger.ts";

const NODES = [1, 2, 3].map((id) => ({
  id,
  raft: `127.0.0.1:${8100 + id}`,
  api: `127.0.0.1:${8200 + id}`,
}));

/** A data directory, and a vault on it whose storage is in memory. */
class Subject implements AsyncDisposable {
  readonly dir = Deno.makeTempDirSync({ prefix: "hiqlite-vault-" });
  readonly lines: string[] = [];
  /** Thrown when storage is opened. */
  opening: Error | null = null;
  /** Found when the database is looked at. */
  checking: Error | null = null;
  /** Entries in the log. */
  entries = 1;
  vault: Vault | null = null;

  async open(nodes = NODES): Promise<Vault> {
    await this.vault?.close();
    return await this.reopen(nodes);
  }

  /** The same after it was closed. */
  async reopen(nodes = NODES): Promise<Vault> {
    this.vault = null;
    this.vault = await Vault.open(
      this.config(nodes),
      this.opener(),
      this.logger,
    );
    return this.vault;
  }

  readonly logger = new Logger(
    "info",
    ({ message }) => this.lines.push(message),
  );

  config(nodes = NODES): ReturnType<typeof configOf> {
    return configOf({
      nodeId: 1,
      nodes,
      dataDir: this.dir,
      secretRaft: "0123456789abcdef",
      secretApi: "0123456789abcdef",
    });
  }

  /** A member of a cluster, as it is after its first run. */
  async member(nodes = NODES): Promise<Vault> {
    const vault = await this.open(nodes);
    vault.save({ ...vault.identity, clusterId: "c", phase: "member" });
    return vault;
  }

  quarantines(): string[] {
    const path = join(this.dir, "quarantine");
    return fs.existsSync(path) ? fs.readdirSync(path) : [];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.vault?.close();
    await Deno.remove(this.dir, { recursive: true });
  }

  opener(): StorageOpener {
    const isDamage = (error: unknown): error is Error =>
      error instanceof StateDamagedError;
    return {
      isDamage,
      isLogDamage: (_error): _error is Error => false,
      makeRoom: () => {},
      open: (logs) => {
        // A new incarnation begins with an empty folder.
        const used = fs.existsSync(join(logs, "used"));
        if (this.opening !== null && used) return Promise.reject(this.opening);
        fs.writeFileSync(join(logs, "used"), "");
        const log = new MemoryLog();
        for (let index = 1; used && index <= this.entries; index++) {
          const payload = new Uint8Array();
          log.append([{ index, term: 1, kind: EntryKind.noop, payload }]);
        }
        return Promise.resolve({
          log,
          logRecovery: log.recovery,
          machine: {
            check: () =>
              this.checking === null
                ? Promise.resolve()
                : Promise.reject(this.checking),
          } as unknown as SqlMachine,
          state: { applied: log.base, config: NO_CONFIGURATION },
          release: () => Promise.resolve(),
        });
      },
    };
  }
}

Deno.test("close() in the middle of startOver() gives the folder up when that has ended", async () => {
  await using subject = new Subject();
  const vault = await subject.member();
  const begun = Promise.withResolvers<void>();
  const released = Promise.withResolvers<void>();
  Object.assign(vault.storage, {
    release: () => {
      begun.resolve();
      return released.promise;
    },
  });
  const over = vault.startOver("a test");
  await begun.promise;
  const closed = vault.close();
  await assert.rejects(
    () => Vault.open(subject.config(), subject.opener(), subject.logger),
    /is in use by another process/,
  );
  released.resolve();
  await over;
  await closed;
  assert.equal((await subject.reopen()).identity.phase, "joining");
});

Deno.test("open() of a member that is well keeps its incarnation and counts its starts", async () => {
  await using subject = new Subject();
  const { incarnation, boot } = (await subject.member()).identity;
  const again = (await subject.open()).identity;
  assert.equal(again.incarnation, incarnation);
  assert.equal(again.boot, boot + 1);
  assert.deepEqual(subject.quarantines(), []);
});

Deno.test("open() keeps the newest two of what was put aside, and says what it removed", async () => {
  await using subject = new Subject();
  await subject.member();
  subject.opening = new StateDamagedError("page 7");
  const seen = new Set<string>();
  for (let i = 0; i < 4; i++) {
    const vault = await subject.open();
    vault.save({ ...vault.identity, phase: "member" });
    for (const name of subject.quarantines()) seen.add(name);
  }
  assert.deepEqual(subject.quarantines().sort(), [...seen].sort().slice(-2));
  const removed = subject.lines.filter((line) => line.includes("was removed"));
  assert.equal(removed.length, 2);
});

Deno.test("open() of a member that asks to join and has nothing yet puts nothing aside", async () => {
  await using subject = new Subject();
  const vault = await subject.member();
  vault.save({ ...vault.identity, phase: "joining" });
  subject.entries = 0;
  const before = vault.identity.incarnation;
  for (let i = 0; i < 3; i++) await subject.open();
  assert.deepEqual(subject.quarantines(), []);
  assert.notEqual(subject.vault!.identity.incarnation, before);
  assert.equal(subject.vault!.identity.phase, "joining");
});

Deno.test("open() without an identity beside data remembers that it forgot", async () => {
  await using subject = new Subject();
  await subject.member();
  fs.rmSync(join(subject.dir, "identity.json"));
  const { identity } = await subject.open();
  assert.equal(identity.forgot, true);
  assert.equal(identity.phase, "new");
  assert.equal(subject.quarantines().length, 1);
});

Deno.test("open() looks for damage that was noted, and goes on if there is none", async () => {
  await using subject = new Subject();
  const vault = await subject.member();
  vault.save({ ...vault.identity, damaged: "so it seemed" });
  const { identity } = await subject.open();
  assert.equal(identity.incarnation, vault.identity.incarnation);
  assert.equal(identity.damaged, undefined);
  assert.match(subject.lines.join("\n"), /no damage was found: going on/);
});

Deno.test("open() that finds the damage that was noted makes a new incarnation", async () => {
  await using subject = new Subject();
  const vault = await subject.member();
  vault.save({ ...vault.identity, damaged: "page 7" });
  subject.checking = new StateDamagedError("page 7");
  const { identity } = await subject.open();
  assert.notEqual(identity.incarnation, vault.identity.incarnation);
  assert.equal(identity.phase, "joining");
  assert.equal(identity.damaged, undefined);
});

Deno.test("open() of what is out of reach says so and puts nothing aside", async () => {
  await using subject = new Subject();
  const { incarnation } = (await subject.member()).identity;
  subject.opening = new Error("open logs/segment-000001: EIO");
  await assert.rejects(subject.open(), {
    code: "storage",
    message: /cannot be used: open logs\/segment-000001: EIO. Nothing was/,
  });
  assert.deepEqual(subject.quarantines(), []);
  subject.opening = null;
  assert.equal((await subject.open()).identity.incarnation, incarnation);
});

Deno.test("open() of the only member never begins anew by itself", async () => {
  await using subject = new Subject();
  await subject.member(NODES.slice(0, 1));
  subject.opening = new StateDamagedError("page 7");
  await assert.rejects(subject.open(NODES.slice(0, 1)), {
    code: "storage",
    message: /\(page 7\) and there is no other one to rebuild it from/,
  });
  assert.deepEqual(subject.quarantines(), []);
});
