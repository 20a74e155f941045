import { setTimeout as sleep } from "node:timers/promises";
import { type Random, randomBetween } from "../../src/util/random.ts";
import { HalfOpen } from "../cluster/half_open.ts";
import { RawLink } from "../network/raw.ts";
import { post } from "./sql.ts";
import type { Outcome, Victim } from "./poison.ts";

const MIB = 1024 * 1024;

/** Bodies that cost more to read than to send. */
export function bodies(victim: Victim, random: Random): Promise<Outcome> {
  const bytes = randomBetween(random, 1, 20) * MIB;
  const items = [
    "1",
    "[]",
    "{}",
    '""',
    "null",
    "1234567890123456789",
    '{"$int":"1"}',
    '"\\u0000"',
  ];
  const item = items[randomBetween(random, 0, items.length)]!;
  const drawn: readonly (() => string)[] = [
    () => params(`${item},`.repeat(bytes / (item.length + 1))),
    () => params(`1234567890123456789,${"1,".repeat(bytes / 2)}`),
    () => "[".repeat(bytes),
    () => '{"a":'.repeat(bytes / 5),
    () => " ".repeat(bytes),
    () => `{"sql":"${"\\u0041".repeat(bytes / 6)}"}`,
    () => `{"sql":"${'\\"'.repeat(bytes / 2)}`,
    () => `{"sql":"SELECT ${"1+".repeat(bytes / 2)}1"}`,
  ];
  const at = randomBetween(random, 0, drawn.length);
  return post(
    victim,
    randomBetween(random, 0, 2) === 0 ? "query" : "execute",
    drawn[at]!(),
    `body ${at} of ${bytes} bytes, ${item}`,
  );
}

function params(items: string): string {
  return `{"sql":"SELECT 1","params":[${items}1]}`;
}

/** Connections that ask for nothing, ask slowly, or do not read. */
export async function sockets(
  victim: Victim,
  random: Random,
): Promise<Outcome> {
  const begin = performance.now();
  const count = randomBetween(random, 10, 250);
  const raft = randomBetween(random, 0, 2) === 0;
  {
    using open = new HalfOpen();
    const port = raft ? victim.raftPort : victim.apiPort;
    await open.add(count, victim.hostname, port);
    await sleep(randomBetween(random, 50, 1000));
  }
  return {
    what: `${count} half-open connections to the ${raft ? "Raft" : "API"} port`,
    code: "-",
    ms: performance.now() - begin,
  };
}

/** Bytes that are no protocol of ours, on the Raft port, before and after an upgrade. */
export async function frames(
  victim: Victim,
  random: Random,
): Promise<Outcome> {
  const begin = performance.now();
  const upgrade = randomBetween(random, 0, 3) > 0;
  const count = randomBetween(random, 1, 20);
  const bytes = randomBytes(random, randomBetween(random, 1, 200_000));
  if (upgrade) await sendMessages(victim, bytes, count);
  else await sendRaw(victim, bytes);
  return {
    what: `${count} × ${bytes.length} random bytes, upgrade: ${upgrade}`,
    code: "-",
    ms: performance.now() - begin,
  };
}

function randomBytes(random: Random, length: number): Uint8Array<ArrayBuffer> {
  return Uint8Array.from({ length }, () => random.uint32() & 255);
}

async function sendRaw(
  { hostname, raftPort }: Victim,
  bytes: Uint8Array,
): Promise<void> {
  try {
    using connection = await Deno.connect({ hostname, port: raftPort });
    await connection.write(bytes);
  } catch {
    // Refused or reset: as it should be.
  }
}

async function sendMessages(
  { hostname, raftPort }: Victim,
  bytes: Uint8Array<ArrayBuffer>,
  count: number,
): Promise<void> {
  try {
    const link = await RawLink.open(`${hostname}:${raftPort}`);
    using connection = link.connection;
    for (let i = 0; i < count; i++) await connection.write(bytes);
  } catch {
    // Refused or reset: as it should be.
  }
}
