import type {
  AuditEntry,
  AuditNote,
  MemberAudit,
} from "../../src/node/audit_port.ts";

/** An audit trail in memory, of a member without a cluster. */
export class FakeAudit implements MemberAudit {
  readonly #entries: AuditEntry[] = [];
  readonly #ended = new Set<string>();

  // deno-lint-ignore require-await
  async note(note: AuditNote): Promise<void> {
    const index = this.#entries.length + 1;
    this.#entries.unshift({ ...note, index, atMs: Date.now() });
  }

  latest(): readonly AuditEntry[] {
    return this.#entries.slice(0, 500);
  }

  async endSession(
    session: string,
    _untilMs: number,
    note: AuditNote,
  ): Promise<void> {
    this.#ended.add(session);
    await this.note(note);
  }

  async spend(
    nonce: string,
    untilMs: number,
    note: AuditNote,
  ): Promise<boolean> {
    if (this.#ended.has(nonce)) return false;
    await this.endSession(nonce, untilMs, note);
    return true;
  }

  hasEnded(session: string): boolean {
    return this.#ended.has(session);
  }
}
