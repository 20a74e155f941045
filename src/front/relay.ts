import type { Channel } from "../tls/channel.ts";
import { ReadBuffer } from "../tls/read_buffer.ts";
import { writeAll } from "../util/write_all.ts";

/** How long a client has to end a connection that was ended by what serves it, ms. */
const LINGER_MS = 1000;

/** Hears of what is carried. */
export interface RelayWatch {
  /** Bytes came from the client. */
  received(bytes: Uint8Array): void;
  /** Bytes go to the client. */
  answered(bytes: Uint8Array): void;
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
    await settled(asking, LINGER_MS);
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

/** Carries what the client says; once nobody listens any more, throws it away. Never fails. */
async function ask(
  client: Channel,
  inner: Channel,
  watch: RelayWatch,
): Promise<void> {
  const buffer = new ReadBuffer();
  let heard = true;
  try {
    for (;;) {
      const count = await client.read(buffer.room);
      if (count === null) break;
      const bytes = buffer.filled(count);
      watch.received(bytes);
      if (heard) {
        heard = await writeAll(inner, bytes).then(() => true, () => false);
      }
    }
    if (heard) await inner.closeWrite();
  } catch {
    end(inner);
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
    watch.answered(bytes);
    await writeAll(client, bytes);
  }
}

async function settled(work: Promise<void>, ms: number): Promise<void> {
  const late = Promise.withResolvers<void>();
  const timer = setTimeout(late.resolve, ms);
  await Promise.race([work, late.promise]);
  clearTimeout(timer);
}
