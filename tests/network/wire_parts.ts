/** A part of what one side of a link sends: its head, a message of the handshake, or a sealed record. */
export interface WirePart {
  readonly kind: "head" | "handshake" | "record";
  readonly bytes: Uint8Array;
}

/** Messages of a handshake, by who sends them: a challenge and a welcome, or a hello. */
const HANDSHAKE_MESSAGES = { acceptor: 2, dialer: 1 } as const;

/** Takes apart what one side of a link sends, as anybody can who only sees the bytes. */
export class WireParts {
  readonly #handshake: number;
  #rest = new Uint8Array();
  #headSeen = false;
  #messages = 0;

  constructor(side: "dialer" | "acceptor") {
    this.#handshake = HANDSHAKE_MESSAGES[side];
  }

  /** Takes the next bytes; answers what is complete with them. */
  push(bytes: Uint8Array): WirePart[] {
    this.#rest = Uint8Array.of(...this.#rest, ...bytes);
    const parts: WirePart[] = [];
    if (!this.#headSeen) {
      const end = new TextDecoder("latin1").decode(this.#rest)
        .indexOf("\r\n\r\n");
      if (end < 0) return parts;
      this.#headSeen = true;
      parts.push({ kind: "head", bytes: this.#take(end + 4) });
    }
    while (this.#rest.length >= 4) {
      const length = 4 + new DataView(this.#rest.buffer).getUint32(0, true);
      if (this.#rest.length < length) break;
      const kind = this.#messages++ < this.#handshake ? "handshake" : "record";
      parts.push({ kind, bytes: this.#take(length) });
    }
    return parts;
  }

  #take(length: number): Uint8Array {
    const taken = this.#rest.slice(0, length);
    this.#rest = this.#rest.slice(length);
    return taken;
  }
}
