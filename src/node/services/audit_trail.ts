import { HiqliteError } from "../../errors.ts";
import { decodeAuditAnswer, noteOf } from "../../state/audit/codec.ts";
import {
  type AuditEntry,
  type AuditNote,
  type AuditOperation,
  SELECT_ENDED,
  SELECT_NOTES,
} from "../../state/audit/types.ts";
import { writeCommand } from "../../state/sql/command.ts";
import type { SqlMachine } from "../../state/sql/port.ts";
import type { MemberAudit } from "../audit_port.ts";
import type { Proposer } from "../groups/proposer.ts";
import { Freshness, type FreshnessPorts } from "./freshness.ts";

/** An operation may need this long, ms. */
const TIMEOUT_MS = 120_000;

/** What the audit trail needs from its node. */
export interface AuditTrailPorts extends FreshnessPorts {
  readonly proposer: Proposer;
  machine(): Pick<SqlMachine, "querySync" | "applied">;
}

/** The audit trail of a member: changed through the log, read from what is applied. */
export class AuditTrail implements MemberAudit {
  readonly #ports: AuditTrailPorts;
  readonly #freshness: Freshness;

  /** Proposes and reads through `ports`. */
  constructor(ports: AuditTrailPorts) {
    this.#ports = ports;
    this.#freshness = new Freshness(ports);
  }

  /** See {@linkcode MemberAudit.note}. */
  async note(note: AuditNote): Promise<void> {
    await this.#change({ kind: "note", note });
  }

  /** See {@linkcode MemberAudit.endSession}. */
  async endSession(
    session: string,
    untilMs: number,
    note: AuditNote,
  ): Promise<void> {
    await this.#change({ kind: "end", session, untilMs, note });
  }

  /** See {@linkcode MemberAudit.spend}. */
  async spend(
    nonce: string,
    untilMs: number,
    note: AuditNote,
  ): Promise<boolean> {
    return await this.#change({ kind: "spend", nonce, untilMs, note });
  }

  /** See {@linkcode MemberAudit.latest}. */
  latest(): readonly AuditEntry[] {
    return this.#ports.machine().querySync(SELECT_NOTES).rows
      .map(([index, atMs, note]) => ({
        ...noteOf(note as string),
        index: index as number,
        atMs: atMs as number,
      }));
  }

  /** See {@linkcode MemberAudit.hasEnded}. */
  hasEnded(session: string): boolean {
    const { rows } = this.#ports.machine().querySync(SELECT_ENDED, [session]);
    return rows.length > 0;
  }

  async #change(operation: AuditOperation): Promise<boolean> {
    const deadline = this.#ports.clock.monotonic() + TIMEOUT_MS;
    const { index, refusal, body } = await this.#ports.proposer.propose({
      body: (writer) => writeCommand(writer, { kind: "audit", operation }),
      idempotencyKey: "",
      timeoutMs: TIMEOUT_MS,
    });
    if (refusal !== null) throw new HiqliteError(refusal.code, refusal.message);
    const isDone = decodeAuditAnswer(body);
    if (this.#ports.machine().applied.index >= index) return isDone;
    // It is done, whether this member hears of it in time or not.
    await this.#freshness.applied(index, deadline).catch(() => {});
    return isDone;
  }
}
