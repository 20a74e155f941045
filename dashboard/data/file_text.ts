import { ApiError } from "../api.ts";

/** The text of a file as it is read, and how much of it that was. @throws {ApiError} `invalid` if it is no UTF-8. */
export async function* textOf(
  file: Blob,
): AsyncGenerator<{ readonly text: string; readonly bytes: number }> {
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  let bytes = 0;
  const decode = (piece?: Uint8Array<ArrayBuffer>): string => {
    try {
      return decoder.decode(piece, { stream: piece !== undefined });
    } catch {
      throw new ApiError(
        "invalid",
        `The file is not a text in UTF-8: see before byte ${bytes}. Save it as UTF-8`,
        0,
      );
    }
  };
  for await (const piece of file.stream()) {
    bytes += piece.length;
    yield { text: decode(piece), bytes };
  }
  yield { text: decode(), bytes };
}
