import type { Member } from "../../node/port.ts";
import type { AuditNote } from "../../node/audit_port.ts";
import type { Clock } from "../../util/clock.ts";
import type { Logger } from "../../util/logger.ts";

/** The longest detail that is remembered, characters. */
const DETAIL_CHARS = 1000;
/** How long an answer waits until the cluster remembers what was done, ms. */
const PATIENCE_MS = 5000;
/** Notes of viewers that the cluster is told in {@linkcode VIEWER_WINDOW_MS}: each is a write. */
export const VIEWER_NOTES_MAX = 30;
const VIEWER_WINDOW_MS = 60_000;

/** Tells the log and the cluster what is done from the dashboard. */
export class AuditLog {
  readonly #member: Pick<Member, "audit">;
  readonly #logger: Logger | undefined;
  readonly #clock: Pick<Clock, "monotonic">;
  /** When the last notes of viewers were, the oldest first. */
  readonly #viewerNotes: number[] = [];

  /** Of one member. */
  constructor(
    member: Pick<Member, "audit">,
    logger: Logger | undefined,
    clock: Pick<Clock, "monotonic">,
  ) {
    this.#member = member;
    this.#logger = logger;
    this.#clock = clock;
  }

  /**
   * Resolves when the cluster remembers it, or cannot for now: then it is still tried for a while. What viewers do
   * too often is only logged: who may change nothing must not fill what the cluster writes.
   */
  async note(note: AuditNote): Promise<void> {
    const told = this.log(note);
    if (note.role === "viewer" && this.#isTooOften()) return;
    await this.#patiently(this.#member.audit.note(told), told);
  }

  /** Signs a session out everywhere. False if the cluster could not be told yet; it is still tried for a while. */
  async endSession(
    session: string,
    untilMs: number,
    note: AuditNote,
  ): Promise<boolean> {
    const told = this.log(note);
    const ended = this.#member.audit.endSession(session, untilMs, told);
    return await this.#patiently(ended.then(() => true), told) ?? false;
  }

  /** Spends what is good once. Whether this was the first time; null if the cluster could not be asked yet: it is still told for a while. */
  async spend(
    nonce: string,
    untilMs: number,
    note: AuditNote,
  ): Promise<boolean | null> {
    const bounded = boundedNote(note);
    const spent = this.#member.audit.spend(nonce, untilMs, bounded);
    const isFirst = await this.#patiently(spent, bounded);
    if (isFirst !== false) this.log(bounded);
    return isFirst;
  }

  /** Somebody was not let in. Only logged: strangers must not fill what the cluster remembers. */
  refused(address: string, how: string): void {
    this.#logger?.warn("dashboard: a login was refused", {
      address: address.slice(0, 100),
      how,
    });
  }

  /** A line for what is done, or was refused; gives the note as it may be remembered. */
  log(note: AuditNote): AuditNote {
    const told = boundedNote(note);
    const { rows, did, run, ...rest } = told;
    this.#logger?.info("dashboard", {
      ...rest,
      rows: rows ?? undefined,
      did: did ?? undefined,
      file: run?.file,
    });
    return told;
  }

  #isTooOften(): boolean {
    const now = this.#clock.monotonic();
    const notes = this.#viewerNotes;
    while (notes.length > 0 && now - notes[0]! >= VIEWER_WINDOW_MS) {
      notes.shift();
    }
    if (notes.length >= VIEWER_NOTES_MAX) return true;
    notes.push(now);
    return false;
  }

  async #patiently<T>(
    work: Promise<T>,
    { action }: AuditNote,
  ): Promise<T | null> {
    const late = Promise.withResolvers<null>();
    const timer = setTimeout(() => late.resolve(null), PATIENCE_MS);
    const done = work.catch((error: Error) => {
      this.#logger?.warn("the audit trail does not have what was done", {
        action,
        reason: error.message,
      });
      return null;
    });
    try {
      return await Promise.race([done, late.promise]);
    } finally {
      clearTimeout(timer);
    }
  }
}

function boundedNote(note: AuditNote): AuditNote {
  return {
    ...note,
    address: note.address.slice(0, 100),
    detail: note.detail.slice(0, DETAIL_CHARS),
  };
}
