/**
 * The program that runs this process, as it may be started again: by its path, or,
 * where `--allow-run=deno` names a link to it, as `deno`; null if it may not be.
 */
export function startableExecutable(): string | null {
  const names = Deno.build.standalone
    ? [Deno.execPath()]
    : [Deno.execPath(), "deno"];
  return names.find(mayRun) ?? null;
}

function mayRun(command: string): boolean {
  return Deno.permissions.querySync({ name: "run", command }).state ===
    "granted";
}
