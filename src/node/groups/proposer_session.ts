import type { LogIndex } from "../../raft/types.ts";
import { peekSequence, type WriteIdentity } from "../../state/envelope.ts";

/** A session of the replicated state, and the writes of it that have no answer yet. */
export class ProposerSession {
  /** The life of the group that knows it. */
  readonly epoch: number;
  readonly #id: LogIndex;
  readonly #outstanding = new Set<number>();
  /** Of those that are traced: see `Proposal.traceparent`. */
  readonly #traceparents = new Map<number, string>();
  #next = 1;
  /** No write below this one waits for its answer. */
  #answeredBelow = 1;

  /** The session that the entry `id` opened in an epoch. */
  constructor(id: LogIndex, epoch: number) {
    this.#id = id;
    this.epoch = epoch;
  }

  /** Gives the next write its identity, which all attempts at it share. */
  begin(idempotencyKey: string, traceparent?: string): WriteIdentity {
    const sequence = this.#next++;
    this.#outstanding.add(sequence);
    if (traceparent !== undefined) {
      this.#traceparents.set(sequence, traceparent);
    }
    return {
      session: this.#id,
      sequence,
      answeredBelow: this.#answeredBelow,
      idempotencyKey,
    };
  }

  /** The trace that an encoded envelope of this session is part of; undefined if it is in none. */
  traceparentOf(envelope: Uint8Array): string | undefined {
    return this.#traceparents.size === 0
      ? undefined
      : this.#traceparents.get(peekSequence(envelope));
  }

  /** The fate of a write is known, or nobody asks for it any more. */
  end({ sequence }: WriteIdentity): void {
    this.#outstanding.delete(sequence);
    if (this.#traceparents.size > 0) this.#traceparents.delete(sequence);
    while (
      this.#answeredBelow < this.#next &&
      !this.#outstanding.has(this.#answeredBelow)
    ) this.#answeredBelow++;
  }
}
