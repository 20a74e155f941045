import type { Operation } from "./operation.ts";

/** An invocation or an answer, in the order in which they happened. */
export interface Entry {
  readonly kind: "call" | "return";
  /** Which operation, counted in its partition. */
  readonly id: number;
  /** Of a call: its answer; null for an outcome that stays open. */
  readonly match: Entry | null;
  previous: Entry;
  next: Entry | null;
}

/** Invocations and answers that are not linearized yet, as a doubly linked list. */
export class CallList {
  readonly #head: Entry;
  #pendingReturns = 0;

  /** Lists what happened in order of position; at equal positions invocations come first. */
  constructor(operations: readonly Operation<unknown, unknown>[]) {
    this.#head = entry("call", -1, null);
    let last = this.#head;
    for (const { next } of ordered(operations)) {
      last.next = next;
      next.previous = last;
      last = next;
      if (next.kind === "return") this.#pendingReturns++;
    }
  }

  /** Answers that are not linearized yet. */
  get pendingReturns(): number {
    return this.#pendingReturns;
  }

  /** The earliest entry that is left. */
  first(): Entry | null {
    return this.#head.next;
  }

  /** Takes a call and its answer out; both keep their neighbours for {@linkcode restore}. */
  lift(call: Entry): void {
    unlink(call);
    if (call.match === null) return;
    unlink(call.match);
    this.#pendingReturns--;
  }

  /** Puts the call that was lifted last back where it was. */
  restore(call: Entry): void {
    if (call.match !== null) {
      relink(call.match);
      this.#pendingReturns++;
    }
    relink(call);
  }
}

function entry(kind: Entry["kind"], id: number, match: Entry | null): Entry {
  const made = { kind, id, match, next: null } as unknown as Entry;
  made.previous = made;
  return made;
}

function ordered(
  operations: readonly Operation<unknown, unknown>[],
): { position: number; next: Entry }[] {
  const events: { position: number; next: Entry }[] = [];
  operations.forEach((operation, id) => {
    const open = operation.return === Infinity;
    const match = open ? null : entry("return", id, null);
    events.push({ position: operation.call, next: entry("call", id, match) });
    if (match !== null) {
      events.push({ position: operation.return, next: match });
    }
  });
  return events.sort((a, b) =>
    a.position - b.position ||
    Number(a.next.kind === "return") - Number(b.next.kind === "return")
  );
}

function unlink(taken: Entry): void {
  taken.previous.next = taken.next;
  if (taken.next !== null) taken.next.previous = taken.previous;
}

function relink(taken: Entry): void {
  taken.previous.next = taken;
  if (taken.next !== null) taken.next.previous = taken;
}
