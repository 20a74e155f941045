import type { NodeId } from "../../raft/types.ts";
import type { Clock } from "../../util/clock.ts";
import type { Logger } from "../../util/logger.ts";

/** What a node says of a backup that the whole cluster shall begin anew with. */
export interface RestoreWish {
  /** It waits until somebody has restored it. */
  readonly waitsFor?: string;
  /** Its cluster began with it. */
  readonly restored?: string | undefined;
  /** Empty while it is in none. */
  readonly clusterId: string;
}

/** What a node that was told to restore a backup shall do. */
export type RestoreTurn =
  | { readonly kind: "restore" }
  /** Somebody has restored it: give up what is here, and join. */
  | {
    readonly kind: "join";
    readonly node: NodeId;
    readonly clusterId: string;
  };

/** What finding one's turn needs. */
export interface RestoreTurnPorts {
  readonly self: NodeId;
  /** All nodes of the configuration, this one included. */
  readonly nodes: readonly NodeId[];
  /** The backup, as all of them were told of it. */
  readonly source: string;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Asks another node; null without an answer. */
  ask(node: NodeId): Promise<RestoreWish | null>;
  /** Rests between two rounds of questions. */
  rest(): Promise<void>;
}

/** Between two lines about what is waited for, ms. */
const LINE_MS = 10_000;

/**
 * Whose turn it is where a whole cluster is told to restore a backup. The lowest node restores it, once a majority of the nodes
 * says that it waits for that: so members that go on with a cluster are never left behind by one that lost its volume, and nobody
 * gives up anything before somebody has restored it. Resolves when there is something to do.
 */
export async function restoreTurn(
  ports: RestoreTurnPorts,
): Promise<RestoreTurn> {
  const { self, nodes, source, clock, logger } = ports;
  const others = nodes.filter((id) => id !== self);
  let saidMs = -Infinity;
  for (;;) {
    const answers = await Promise.all(others.map((node) => ports.ask(node)));
    const at = answers.findIndex((answer) =>
      answer !== null && answer.restored === source && answer.clusterId !== ""
    );
    if (at >= 0) {
      const { clusterId } = answers[at]!;
      return { kind: "join", node: others[at]!, clusterId };
    }
    const waiting = 1 +
      answers.filter((answer) => answer?.waitsFor === source).length;
    const lowest = Math.min(...nodes);
    if (self === lowest && 2 * waiting > nodes.length) {
      return { kind: "restore" };
    }
    if (clock.monotonic() - saidMs >= LINE_MS) {
      saidMs = clock.monotonic();
      logger.info(
        self === lowest
          ? `waiting until a majority of the nodes waits for the restore of ${source}: ${waiting} of ${nodes.length} do`
          : `waiting until node ${lowest} has restored ${source}`,
      );
    }
    await ports.rest();
  }
}
