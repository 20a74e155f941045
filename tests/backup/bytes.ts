import { SeededRandom } from "../../src/util/random.ts";

/** The same bytes for the same seed. */
export function randomBytes(length: number, seed: number): Uint8Array {
  const random = new SeededRandom(seed);
  const words = new Uint32Array(Math.ceil(length / 4));
  for (let i = 0; i < words.length; i++) words[i] = random.uint32();
  return new Uint8Array(words.buffer).slice(0, length);
}

/** Bytes as a stream, in pieces; it fails after some if it is told to. */
export function bytesOf(
  bytes: Uint8Array,
  { pieceBytes = 65_536, failAfter = Infinity } = {},
): ReadableStream<Uint8Array> {
  let at = 0;
  return new ReadableStream({
    pull(controller) {
      if (at >= failAfter) {
        return controller.error(new Error("the source failed"));
      }
      if (at >= bytes.length) return controller.close();
      const end = Math.min(at + pieceBytes, failAfter);
      controller.enqueue(bytes.slice(at, end));
      at = end;
    },
  });
}

/** All bytes of a stream. */
export async function collected(
  stream: ReadableStream<Uint8Array>,
): Promise<Uint8Array> {
  return new Uint8Array(await new Response(stream as BodyInit).arrayBuffer());
}
