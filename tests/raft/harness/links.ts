import assert from "node:assert/strict";
import type { Message } from "../../../src/raft/messages.ts";
import type { MemberId } from "../../../src/raft/types.ts";

/** The links between members: what is on its way, and what will not arrive. */
export class Links {
  /** Messages on their way, oldest first. */
  wire: Message[] = [];
  /** Every message ever sent. */
  readonly sent: Message[] = [];
  /** Messages for which this is true are lost. */
  lose: (message: Message) => boolean = () => false;
  readonly #cuts: Set<string> = new Set();

  post(message: Message): void {
    this.sent.push(message);
    this.wire.push(message);
  }

  /** Takes a message off the wire; whether it arrives. */
  take(message: Message | undefined): message is Message {
    const at = message === undefined ? -1 : this.wire.indexOf(message);
    assert(message !== undefined && at >= 0, "no such message on the wire");
    this.wire.splice(at, 1);
    const isCut = this.#cuts.has(`${message.from}>${message.to}`);
    return !isCut && !this.lose(message);
  }

  /** Nothing passes from the one to the other. */
  cut(from: MemberId | number, to: MemberId | number): void {
    this.#cuts.add(`${from}>${to}`);
  }

  heal(): void {
    this.#cuts.clear();
    this.lose = () => false;
  }
}
