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
  /** So many of the answers to requests break the connection instead of being delivered: what was asked for has been done. */
  readonly lostAnswersPercent?: number;
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
