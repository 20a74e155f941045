import type { Channel } from "./channel.ts";
import { writeAll } from "../util/write_all.ts";

/** How a TLS hello begins. */
const TLS_HANDSHAKE = 22;

/** Most bytes of a first read: more than any hello has. */
const FIRST_BYTES_MAX = 4096;

/** Who came speaks no TLS, and was told so. */
export class NoTlsError extends Error {
  override readonly name = "NoTlsError";

  constructor() {
    super(
      "it speaks no TLS and this port does: use https://, or for members the same tls_raft_* keys everywhere",
    );
  }
}

/** The first bytes that the other side sends; null if it ends before. */
export async function firstBytes(channel: Channel): Promise<Uint8Array | null> {
  const buffer = new Uint8Array(FIRST_BYTES_MAX);
  const count = await channel.read(buffer);
  return count === null ? null : buffer.subarray(0, count);
}

/** Answers with `answer` what is no hello. @throws {NoTlsError} after that. */
export async function expectHello(
  hello: Uint8Array,
  channel: Channel,
  answer: Uint8Array,
): Promise<void> {
  if (hello[0] === TLS_HANDSHAKE) return;
  await writeAll(channel, answer);
  await channel.closeWrite();
  throw new NoTlsError();
}
