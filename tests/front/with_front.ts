import { Front, type FrontOptions } from "../../src/front/front.ts";
import { FRONT_LIMITS, type FrontLimits } from "../../src/front/protocol.ts";
import type { ServerTls } from "../../src/tls/handshakes.ts";
import { type LogFields, Logger } from "../../src/util/logger.ts";
import { freePorts } from "../ports.ts";
import { join } from "node:path";

/** A front before a server of the test. */
export interface FrontUnderTest {
  readonly front: Front;
  readonly port: number;
  /** What was logged. */
  readonly lines: { message: string; fields: LogFields }[];
}

/** What a test changes. */
export interface FrontChange {
  readonly limits?: Partial<FrontLimits>;
  readonly tls?: ServerTls | null;
}

/** Runs `test` with a front before an HTTP server. */
export async function withFront(
  handler: (request: Request) => Response | Promise<Response>,
  test: (under: FrontUnderTest) => Promise<void>,
  change: FrontChange = {},
): Promise<void> {
  const dir = await Deno.makeTempDir();
  const path = join(dir, "inner.sock");
  const server = Deno.serve({ path, onListen: () => {} }, handler);
  try {
    await withFrontTo({ path }, test, change);
  } finally {
    await server.shutdown();
    await Deno.remove(dir, { recursive: true });
  }
}

/** Runs `test` with a front before what listens at `inner`. */
export async function withFrontTo(
  inner: FrontOptions["inner"],
  test: (under: FrontUnderTest) => Promise<void>,
  { limits, tls = null }: FrontChange = {},
): Promise<void> {
  const [port] = freePorts(1);
  const lines: FrontUnderTest["lines"] = [];
  const front = await Front.open({
    key: "listen_addr_api",
    hostname: "127.0.0.1",
    port: port!,
    inner,
    tls,
    limits: { ...FRONT_LIMITS, ...limits },
    addressTag: "",
    perAddressKey: "api_connections_per_address",
    logger: new Logger("debug", ({ message, fields }) => {
      lines.push({ message, fields });
    }),
    scarce: () => {},
  });
  try {
    await test({ front, port: port!, lines });
  } finally {
    front.close();
  }
}

/** A connection to a port of this machine. */
export function dial(port: number): Promise<Deno.TcpConn> {
  return Deno.connect({ hostname: "127.0.0.1", port });
}

/** Whether the other side ends a connection before `ms` are over, reading what it says. */
export async function ends(conn: Deno.Conn, ms: number): Promise<boolean> {
  const late = Promise.withResolvers<boolean>();
  const timer = setTimeout(() => late.resolve(false), ms);
  const buffer = new Uint8Array(4096);
  const reading = async (): Promise<boolean> => {
    try {
      while (await conn.read(buffer) !== null) continue;
    } catch {
      // A reset is an end, too.
    }
    return true;
  };
  try {
    return await Promise.race([reading(), late.promise]);
  } finally {
    clearTimeout(timer);
  }
}
