/** In which Debian package a program is, where its name does not say. */
const PACKAGES: Readonly<Record<string, string>> = {
  "xfs_io": "xfsprogs",
  "mkfs.ext4": "e2fsprogs",
  "ip": "iproute2",
  "nft": "nftables",
  "nsenter": "util-linux",
  "unshare": "util-linux",
  "chroot": "coreutils",
  "mount": "mount",
  "umount": "mount",
  "sync": "coreutils",
};

/** The Debian package that a program is in. */
export function packageOf(program: string): string {
  return PACKAGES[program] ?? program;
}

/** Which of these programs are not installed. */
export async function missingPrograms(
  programs: readonly string[],
): Promise<string[]> {
  const folders = (Deno.env.get("PATH") ?? "").split(":");
  const missing: string[] = [];
  for (const program of programs) {
    const found = await Promise.all(
      folders.map((folder) =>
        Deno.stat(`${folder}/${program}`)
          .then(({ isFile }) => isFile, () => false)
      ),
    );
    if (!found.includes(true)) missing.push(program);
  }
  return missing;
}

/**
 * Runs a program of the system to its end, with `input` on its standard input.
 * @throws {Error} with what it said, or with the package it is in if it is not installed.
 */
export async function run(
  argv: readonly string[],
  input = "",
): Promise<void> {
  const [program, ...args] = argv as [string, ...string[]];
  let child: Deno.ChildProcess;
  try {
    child = new Deno.Command(program, {
      args,
      stdin: "piped",
      stdout: "null",
      stderr: "piped",
    }).spawn();
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    throw new Error(
      `${program} is not installed (Debian has it in ${packageOf(program)})`,
    );
  }
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(input)).catch(() => {});
  await writer.close().catch(() => {});
  const { success, stderr } = await child.output();
  if (success) return;
  const said = new TextDecoder().decode(stderr).trim();
  throw new Error(`${argv.join(" ")}: ${said}`);
}
