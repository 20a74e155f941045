import type { Channel } from "../tls/channel.ts";
import { ReadBuffer } from "../tls/read_buffer.ts";
import { writeAll } from "../util/write_all.ts";

/** How long a client has to end a connection that was ended by what serves it, ms. */
const LINGER_MS = 1000;
/** What is still read from one who was answered, and thrown away, bytes: unread bytes would take the answer with them. */
const LEFTOVER_BYTES_MAX = 256 * 1024;

/** Hears of what is carried. */
export interface RelayWatch {
  /** Bytes came from the client. */
  received(bytes: Uint8Array): void;
  /** Bytes go to the client. Whether nothing it says after that is to be heard. */
  answered(bytes: Uint8Array): boolean;
}

/**
 * Carries bytes between a client and what serves it, one chunk at a time: who
 * reads slowly makes the other side wait. Ends when everything was answered, or
 * when either side breaks off.
 */
export async function relay(
  client: Channel,
  inner: Channel,
  watch: RelayWatch,
): Promise<void> {
  const asking = ask(client, inner, watch);
  try {
    await answer(inner, client, watch);
    // What was not read yet would take the end of the answer with it.
    await left(asking, LINGER_MS);
  } catch {
    // Who broke it off knows; the other is told by the end.
  } finally {
    end(client);
    end(inner);
    await asking;
  }
}

/** Closes a channel that may be closed already. */
export function end(channel: Channel): void {
  try {
    channel.close();
  } catch {
    // It was.
  }
}

/**
 * Reads what nobody listens to, to its end or {@linkcode LEFTOVER_BYTES_MAX}, and
 * whether that was its end. @throws what `read` throws.
 */
export async function throwAway(client: Channel): Promise<boolean> {
  const buffer = new Uint8Array(16 * 1024);
  for (let read = 0; read < LEFTOVER_BYTES_MAX;) {
    const count = await client.read(buffer);
    if (count === null) return true;
    read += count;
  }
  return false;
}

/** Carries what the client says; once nobody listens any more, throws some of it away. Whether it said all. Never fails. */
async function ask(
  client: Channel,
  inner: Channel,
  watch: RelayWatch,
): Promise<boolean> {
  const buffer = new ReadBuffer();
  try {
    for (;;) {
      const count = await client.read(buffer.room);
      if (count === null) {
        await inner.closeWrite();
        return true;
      }
      const bytes = buffer.filled(count);
      watch.received(bytes);
      const heard = await writeAll(inner, bytes).then(() => true, () => false);
      // What is not read makes the client wait, and costs nothing.
      if (!heard) return await throwAway(client);
    }
  } catch {
    end(inner);
    return true;
  }
}

async function answer(
  inner: Channel,
  client: Channel,
  watch: RelayWatch,
): Promise<void> {
  const buffer = new ReadBuffer();
  for (;;) {
    const count = await inner.read(buffer.room);
    if (count === null) return await client.closeWrite();
    const bytes = buffer.filled(count);
    // The server ends the connection when nothing more can come on it.
    if (watch.answered(bytes)) await inner.closeWrite();
    await writeAll(client, bytes);
  }
}

/** Resolves when the client has ended what it says, or after `ms`. */
async function left(asking: Promise<boolean>, ms: number): Promise<void> {
  const late = Promise.withResolvers<void>();
  const timer = setTimeout(late.resolve, ms);
  const ended = asking.then((whole) => whole ? undefined : late.promise);
  await Promise.race([ended, late.promise]);
  clearTimeout(timer);
}
