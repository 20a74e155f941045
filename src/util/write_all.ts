/** Writes all of `bytes`. @throws what `connection.write` throws. */
export async function writeAll(
  connection: Pick<Deno.Conn, "write">,
  bytes: Uint8Array,
): Promise<void> {
  for (let at = 0; at < bytes.length;) {
    at += await connection.write(at === 0 ? bytes : bytes.subarray(at));
  }
}
