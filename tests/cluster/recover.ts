const CLI = new URL("../../cli.ts", import.meta.url);
const CONFIG = new URL("../../deno.json", import.meta.url);

/** Runs `hiqlite cluster recover` on a data directory. */
export async function recover(
  dataDir: string,
  ...more: string[]
): Promise<{ readonly code: number; readonly out: string }> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--no-prompt",
      "--cached-only",
      "--quiet",
      "--allow-read",
      "--allow-write",
      "--allow-env",
      "--allow-sys",
      `--config=${CONFIG.pathname}`,
      CLI.pathname,
      ...["cluster", "recover", "--data-dir", dataDir],
      ...more,
    ],
  }).output();
  const text = new TextDecoder();
  return { code, out: text.decode(stdout) + text.decode(stderr) };
}
