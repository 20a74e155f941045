import assert from "node:assert/strict";
import type { LockRows } from "../../../src/state/locks/rows.ts";
import { LockTable } from "../../../src/state/locks/table.ts";
import {
  ALL_PERMITS,
  type LockAnswer,
  type LockClaim,
  type LockEvent,
  type LockOperation,
  type LockWish,
} from "../../../src/state/locks/types.ts";
import { MemoryLockRows } from "./memory_rows.ts";

/** Entries after one another against a table of locks. */
export class Scene {
  readonly rows: LockRows;
  readonly table: LockTable;
  /** What was told, as `index kind name ticket token`. */
  readonly told: string[] = [];
  /** What has to be claimed, as it was told. */
  readonly claims: (LockClaim & { readonly ticket: number })[] = [];
  index = 100;
  clockMs = 1_000;

  constructor(rows: LockRows = new MemoryLockRows()) {
    this.rows = rows;
    this.table = new LockTable(rows, (event) => this.#tell(event));
  }

  #tell({ kind, name, ticket, token, claim }: LockEvent): void {
    if (claim !== undefined) this.claims.push({ ...claim, ticket });
    this.told.push(`${this.index} ${kind} ${name} ${ticket} ${token}`);
  }

  /** What was told since the last call. */
  take(): string[] {
    return this.told.splice(0);
  }

  /** An entry that asks for nothing, so much later. */
  pass(ms = 0): void {
    this.clockMs += ms;
    this.index++;
    this.table.begin(this);
  }

  /** The next entry. */
  do(operation: LockOperation): LockAnswer {
    this.pass();
    return this.table.run(operation);
  }

  open(ttlMs = 10_000, owner = "me"): number {
    const answer = this.do({ kind: "open", ttlMs, owner });
    assert.equal(answer.kind, "leased");
    return (answer as { lease: number }).lease;
  }

  acquire(
    name: string,
    lease: number | LockWish["lease"],
    wish: Partial<LockWish> = {},
  ): LockAnswer {
    return this.do({
      kind: "acquire",
      wish: {
        name,
        lease: typeof lease === "number" ? { id: lease } : lease,
        permits: ALL_PERMITS,
        limit: ALL_PERMITS,
        waitMs: 60_000,
        value: "",
        ...wish,
      },
    });
  }

  /** The token of a lock that is free. */
  granted(...asked: Parameters<Scene["acquire"]>): number {
    const answer = this.acquire(...asked);
    assert.equal(answer.kind, "granted");
    return (answer as { token: number }).token;
  }

  /** The ticket for one that is not. */
  waiting(...asked: Parameters<Scene["acquire"]>): number {
    const answer = this.acquire(...asked);
    assert.deepEqual(answer, { kind: "waiting", ticket: this.index });
    return this.index;
  }

  release(name: string, token: number): boolean {
    const answer = this.do({ kind: "release", name, token });
    assert.equal(answer.kind, "released");
    return (answer as { found: boolean }).found;
  }

  claim(name: string, ticket: number): LockAnswer {
    return this.do({ kind: "claim", name, ticket });
  }
}
