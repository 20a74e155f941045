/** Numbers members from 1. */
export type Node = number;

/** What a link does to what it carries; what is not given does not happen. */
export interface Disturbance {
  /** Delay of everything, ms. */
  readonly latencyMs?: number;
  /** And up to so much more, in the same order, ms. */
  readonly jitterMs?: number;
  /** So many of the chunks that arrive break the connection, so that it is dialed again. */
  readonly breakPercent?: number;
  /** So many of the Raft messages are delivered twice. */
  readonly duplicatePercent?: number;
  /** So many of the Raft messages are overtaken by others. */
  readonly reorderPercent?: number;
  /** How late a message's double, or one that is overtaken, is at most, ms. */
  readonly astrayMs?: number;
}

/**
 * How the members of a test cluster reach one another, with faults between
 * members only: the test itself always reaches every API.
 */
export interface TestNetwork extends AsyncDisposable {
  readonly kind: "netns" | "proxy" | "loopback";
  /** Where the test finds a member's API: `http://host:port`. */
  apiUrl(node: Node): string;
  /** Environment of a member: who is where, as this member sees it. */
  environment(node: Node): Readonly<Record<string, string>>;
  /** The command that runs `argv` where the member lives. */
  command(node: Node, argv: readonly string[]): readonly string[];
  /** Stops everything that `from` sends to `to`, until {@linkcode heal}. */
  cut(from: Node, to: Node): Promise<void>;
  /** Loses a percentage of packets (or delays and breaks connections where there are no packets). */
  degrade(percent: number): Promise<void>;
  /**
   * Disturbs what `from` sends to `to`, in addition to what already does, until {@linkcode heal}.
   * @throws {Error} where there are no proxies.
   */
  disturb(from: Node, to: Node, disturbance: Disturbance): Promise<void>;
  /** Ends all cuts, losses and disturbances. */
  heal(): Promise<void>;
}

/** Cuts both directions. */
export async function cutBoth(
  network: TestNetwork,
  a: Node,
  b: Node,
): Promise<void> {
  await network.cut(a, b);
  await network.cut(b, a);
}

/**
 * A loopback address of this process alone, so that its members' ports cannot be taken
 * by another process while a member is down; 127.0.0.1 where there is only that one.
 */
export function ownLoopback(): string {
  if (Deno.build.os !== "linux") return "127.0.0.1";
  const [high, middle, low] = [16, 8, 0].map((bits) => Deno.pid >> bits & 255);
  return `127.${64 + high! % 128}.${middle}.${low}`;
}

/** Ports on `hostname` that were free a moment ago, all different, also from those that `meanwhile` takes. */
export function freePorts(
  count: number,
  meanwhile: (ports: readonly number[]) => void = () => {},
  hostname = "127.0.0.1",
): number[] {
  const listeners = Array.from(
    { length: count },
    () => Deno.listen({ hostname, port: 0 }),
  );
  const ports = listeners.map((listener) => listener.addr.port);
  meanwhile(ports);
  for (const listener of listeners) listener.close();
  return ports;
}
