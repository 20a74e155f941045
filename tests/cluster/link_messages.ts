import { FrameKind } from "../../src/network/frame.ts";

/** A part of what a member sends that cannot be split: other bytes may go before or after it. */
export interface LinkMessage {
  readonly bytes: Uint8Array;
  /** A Raft message: what may be lost, doubled and overtaken. */
  readonly raft: boolean;
}

/** Binary messages of the accepting side before its first frame: challenge and welcome. */
const HANDSHAKE_MESSAGES = 2;
/** How the answer to an upgrade begins. */
const UPGRADED = "HTTP/1.1 101 ";
const TEXT = 1;
const BINARY = 2;
const FIN = 0x80;

/**
 * Finds the messages in what the accepting end of a link sends: the answer to
 * the upgrade, the handshake, then messages of one WebSocket frame each, or of
 * many behind an announcement (`src/network/pieces.ts`).
 */
export class LinkMessages {
  #state: "head" | "frames" | "other" = "head";
  #rest = new Uint8Array();
  #binaries = 0;
  /** An announced message, as far as it is here. */
  #open: { frames: Uint8Array[]; missing: number; raft?: boolean } | null =
    null;

  /**
   * Takes the next bytes; answers what is complete with them.
   * @throws {Error} for frames that no member sends.
   */
  push(chunk: Uint8Array): LinkMessage[] {
    if (this.#state === "other") return [{ bytes: chunk.slice(), raft: false }];
    this.#rest = concat([this.#rest, chunk]);
    const messages: LinkMessage[] = [];
    if (this.#state === "head") messages.push(...this.#readHead());
    if (this.#state === "frames") messages.push(...this.#readFrames());
    return messages;
  }

  /** Anything but an upgrade, such as the answer to a plain request, goes through as it is. */
  #readHead(): LinkMessage[] {
    const text = new TextDecoder("latin1").decode(this.#rest);
    if (text.slice(0, UPGRADED.length) !== UPGRADED.slice(0, text.length)) {
      this.#state = "other";
      return [this.#take(text.length)];
    }
    const end = text.indexOf("\r\n\r\n");
    if (end < 0) return [];
    this.#state = "frames";
    return [this.#take(end + 4)];
  }

  *#readFrames(): Generator<LinkMessage> {
    for (;;) {
      const frame = frameIn(this.#rest);
      if (frame === null) return;
      const { bytes } = this.#take(frame.bytes);
      const message = this.#add(bytes, frame);
      if (message !== null) yield message;
    }
  }

  #add(bytes: Uint8Array, frame: FrameBounds): LinkMessage | null {
    const payload = bytes.subarray(frame.bytes - frame.payload);
    if (frame.opcode === TEXT && this.#open === null) {
      const missing = Number(
        /^m(\d+)$/.exec(new TextDecoder().decode(payload))?.[1] ?? 0,
      );
      if (missing === 0) return { bytes, raft: false };
      this.#open = { frames: [bytes], missing };
      return null;
    }
    const isRaft = payload[0] === FrameKind.raft;
    if (this.#open === null) {
      if (frame.opcode !== BINARY) return { bytes, raft: false };
      return { bytes, raft: ++this.#binaries > HANDSHAKE_MESSAGES && isRaft };
    }
    const open = this.#open;
    open.frames.push(bytes);
    if (frame.opcode !== BINARY) return null;
    open.raft ??= isRaft;
    open.missing -= payload.length;
    if (open.missing > 0) return null;
    this.#open = null;
    return { bytes: concat(open.frames), raft: open.raft };
  }

  #take(length: number): LinkMessage {
    const bytes = this.#rest.slice(0, length);
    this.#rest = this.#rest.slice(length);
    return { bytes, raft: false };
  }
}

interface FrameBounds {
  readonly opcode: number;
  /** Length with its header. */
  readonly bytes: number;
  readonly payload: number;
}

/** The whole frame at the beginning (RFC 6455 §5.2), if there is one. */
function frameIn(bytes: Uint8Array): FrameBounds | null {
  if (bytes.length < 2) return null;
  const [first, second] = bytes as unknown as [number, number];
  if ((first & FIN) === 0 || (second & 0x80) !== 0) {
    throw new Error("a fragmented or masked frame from the accepting side");
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const header = second < 126 ? 2 : second === 126 ? 4 : 10;
  if (bytes.length < header) return null;
  const payload = second < 126
    ? second
    : second === 126
    ? view.getUint16(2)
    : Number(view.getBigUint64(2));
  if (bytes.length < header + payload) return null;
  return { opcode: first & 0x0f, bytes: header + payload, payload };
}

function concat(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(
    parts.reduce((length, part) => length + part.length, 0),
  );
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
