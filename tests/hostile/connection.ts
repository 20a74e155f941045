import { connect, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { connect as connectTls } from "node:tls";
import type { Script, Step } from "./script.ts";

/** Where a member listens, and the hostile clients' addresses without their last byte. */
export interface Target {
  readonly hostname: string;
  readonly apiPort: number;
  readonly raftPort: number;
  /** As in "127.9.8."; empty where there is only one address. */
  readonly from: string;
  /** Whether both ports speak TLS. */
  readonly tls: boolean;
}

/** What became of one connection. */
export interface Attempt {
  readonly connected: boolean;
  /** The member ended it before its script was over. */
  readonly ended: boolean;
  readonly bytesSent: number;
  readonly bytesRead: number;
}

const CONNECT_MS = 3000;
/** A send that is not taken for so long is given up: the other side reads no more, ms. */
const STUCK_MS = 3000;

/** Plays a script on one connection, until it is over, the member ends it, or it is told to stop. */
export async function play(
  script: Script,
  target: Target,
  stopped: AbortSignal,
): Promise<Attempt> {
  const over = new AbortController();
  const signal = AbortSignal.any([stopped, over.signal]);
  const socket = opened(script, target);
  let ended = false;
  // Any error is the member's right; "close" follows it.
  socket.on("error", () => {});
  socket.on("close", () => {
    ended = true;
    over.abort();
  });
  const sealed = script.sealed && target.tls;
  const connected = await isConnected(
    socket,
    sealed ? "secureConnect" : "connect",
    signal,
  );
  if (connected) {
    if (script.reads) socket.resume();
    else socket.pause();
    for (const step of script.steps) {
      if (signal.aborted) break;
      await perform(step, socket, signal);
    }
  }
  const attempt = {
    ...{ connected, ended },
    bytesSent: socket.bytesWritten ?? 0,
    bytesRead: socket.bytesRead ?? 0,
  };
  // Below TLS there is no reset to be asked for.
  if (script.ending === "reset" && !sealed) socket.resetAndDestroy();
  else socket.destroy();
  return attempt;
}

function opened(script: Script, target: Target): Socket {
  const { hostname: host, apiPort, raftPort, from, tls } = target;
  const options = {
    host,
    port: script.port === "api" ? apiPort : raftPort,
    ...from === "" ? {} : { localAddress: from + script.from },
    noDelay: true,
  };
  return script.sealed && tls
    // Strangers believe everybody.
    ? connectTls({ ...options, rejectUnauthorized: false })
    : connect(options);
}

async function isConnected(
  socket: Socket,
  event: "connect" | "secureConnect",
  signal: AbortSignal,
): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const timer = setTimeout(() => resolve(false), CONNECT_MS);
  socket.once(event, () => resolve(true));
  signal.addEventListener("abort", () => resolve(false), { once: true });
  return await promise.finally(() => clearTimeout(timer));
}

async function perform(
  step: Step,
  socket: Socket,
  signal: AbortSignal,
): Promise<void> {
  if (step.kind === "wait") return await pause(step.ms, signal);
  for (let i = 0; i < step.times && !signal.aborted; i++) {
    if (!socket.write(step.bytes) && !await drained(socket, signal)) return;
    if (step.everyMs > 0) await pause(step.everyMs, signal);
  }
}

async function drained(socket: Socket, signal: AbortSignal): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const timer = setTimeout(() => resolve(false), STUCK_MS);
  const done = (): void => resolve(true);
  const gone = (): void => resolve(false);
  socket.once("drain", done);
  signal.addEventListener("abort", gone, { once: true });
  return await promise.finally(() => {
    clearTimeout(timer);
    socket.off("drain", done);
    signal.removeEventListener("abort", gone);
  });
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal }).catch(() => {});
}
