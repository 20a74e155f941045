/** On Linux a program is this to itself, also when its file was moved or replaced. */
const ITSELF = "/proc/self/exe";

/**
 * The running program as a command that this process may start; null if it may not.
 * A compiled program is `/proc/self/exe` first: it may be allowed to run that and nothing
 * else, and its children are of the same release when its file was replaced meanwhile.
 */
export function ownCommand(): string | null {
  const commands = [Deno.execPath()];
  if (Deno.build.os === "linux") {
    if (Deno.build.standalone) commands.unshift(ITSELF);
    else commands.push(ITSELF);
  }
  const allowed = commands.find((command) =>
    Deno.permissions.querySync({ name: "run", command }).state === "granted"
  );
  return allowed ?? null;
}
