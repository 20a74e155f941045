/** Each piece is a turn of the thread that reads, and a message if another one takes it: few of them cost less than many. */
const PIECE_BYTES = 1024 * 1024;

/** A file's bytes, in pieces of a mebibyte, each read once it is wanted. A stream of Node's keeps what it has read for too long. */
export function fileStream(path: string): ReadableStream<Uint8Array> {
  return ReadableStream.from(piecesOf(path));
}

async function* piecesOf(path: string): AsyncGenerator<Uint8Array> {
  const file = await Deno.open(path);
  try {
    for (;;) {
      const piece = new Uint8Array(PIECE_BYTES);
      const count = await file.read(piece);
      if (count === null) return;
      yield piece.subarray(0, count);
    }
  } finally {
    file.close();
  }
}
