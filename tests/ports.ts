/**
 * Below the ports that systems give to whoever asks for any (from 32768 on Linux, from 49152
 * elsewhere): nothing that dials or listens on port 0 takes one of these while it is not used.
 */
const FIRST = 10_000;
const LAST = 32_000;
/** The only one among them that `fetch()` refuses to call (the list of bad ports in the Fetch standard). */
const UNCALLED = 10_080;
const TRIES = 1000;

/**
 * A loopback address of this process alone, so that its members' ports cannot be taken
 * by another process while a member is down; 127.0.0.1 where there is only that one.
 */
export function ownLoopback(): string {
  if (Deno.build.os !== "linux") return "127.0.0.1";
  const [high, middle, low] = [16, 8, 0].map((bits) => Deno.pid >> bits & 255);
  return `127.${64 + high! % 128}.${middle}.${low}`;
}

/**
 * Ports on `hostname` on which nobody listens, all different.
 * @throws {Error} if a thousand ports in a row are taken.
 */
export function freePorts(count: number, hostname = "127.0.0.1"): number[] {
  const ports = new Set<number>();
  for (let tries = 0; ports.size < count; tries++) {
    if (tries === TRIES) {
      throw new Error(`no ${count} free ports on ${hostname}`);
    }
    const port = anyPort();
    if (isFree(port, hostname)) ports.add(port);
  }
  return [...ports];
}

/**
 * The first of so many free ports in a row, with as many a hundred above them.
 * @throws {Error} if there are none in a thousand places.
 */
export function freeRange(count: number): number {
  for (let tries = 0; tries < TRIES; tries++) {
    const first = anyPort();
    const all = Array.from({ length: count }, (_, at) => first + at)
      .flatMap((port) => [port, port + 100]);
    if (all.every((port) => isFree(port, "127.0.0.1"))) return first;
  }
  throw new Error(`no ${count} free ports in a row`);
}

function anyPort(): number {
  return FIRST + Math.floor(Math.random() * (LAST - FIRST));
}

function isFree(port: number, hostname: string): boolean {
  if (port === UNCALLED) return false;
  try {
    Deno.listen({ hostname, port }).close();
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.AddrInUse) return false;
    throw error;
  }
}
