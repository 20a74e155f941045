/** Connects to a port, and resets each connection at once. */
const RESETS = `
  const { connect } = await import("node:net");
  const [port, count] = Deno.args.map(Number);
  for (let i = 0; i < count; i++) {
    const socket = connect({ host: "127.0.0.1", port });
    await new Promise((done) => socket.on("connect", done));
    socket.resetAndDestroy();
  }
`;

/**
 * Makes connections to a port that is listened on by this thread, and resets them
 * before they are accepted: the thread stands still meanwhile.
 */
export async function resetBeforeAccepted(
  port: number,
  count: number,
): Promise<void> {
  const script = await Deno.makeTempFile({ suffix: ".js" });
  try {
    await Deno.writeTextFile(script, RESETS);
    const { success } = new Deno.Command(Deno.execPath(), {
      args: [
        ...["run", "--allow-net", "--no-config", script],
        ...[`${port}`, `${count}`],
      ],
    }).outputSync();
    if (!success) throw new Error(`connections to port ${port} failed`);
  } finally {
    await Deno.remove(script);
  }
}
