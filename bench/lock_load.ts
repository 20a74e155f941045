import type { LocalClient, Lock } from "../mod.ts";
import { drive, type Load, type Timing } from "./load.ts";

/** Gets a lock that nobody else wants, and gives it back. */
export function lockAndUnlock(
  client: LocalClient,
  load: Load,
): Promise<Timing> {
  return drive(load, async (n) => {
    const lock = await client.lock(`alone ${n % load.concurrency}`);
    await lock.release();
  });
}

let taken: Lock | null = null;

/** Gets the lock that is handed over. */
export async function take(client: LocalClient): Promise<void> {
  taken = await client.lock("wanted", { ttlMs: 60_000 });
}

/** Gives it back. */
export async function give(): Promise<void> {
  await taken?.release();
}

let ending: AbortController | null = null;
let waits: Promise<unknown>[] = [];

/** Has so many wait for a lock that is held for as long as they do. */
export async function beginWaiting(
  client: LocalClient,
  { count }: { count: number },
): Promise<void> {
  const { signal } = ending = new AbortController();
  const held = await client.lock("crowded", { ttlMs: 60_000 });
  waits = Array.from(
    { length: count },
    () => client.lock("crowded", { signal, ttlMs: 60_000 }).catch(() => {}),
  );
  signal.addEventListener("abort", () => waits.push(held.release()));
  for (;;) {
    const [state] = await client.locks("crowded");
    if (state?.waiting === count) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** Ends what {@linkcode beginWaiting} began. */
export async function endWaiting(): Promise<void> {
  ending?.abort();
  await Promise.all(waits);
}
