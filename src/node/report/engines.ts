import type { PeerIdentity } from "../../network/port.ts";
import { type NodeId, nodeIdOf } from "../../raft/types.ts";
import type { Logger } from "../../util/logger.ts";

/**
 * Which members run their state with something else than this one: two versions of SQLite may answer one
 * statement in two ways. So while releases are mixed that is said, and once they are not, nothing is.
 */
export class Engines {
  readonly #own: string;
  readonly #logger: Logger;
  readonly #told = new Map<NodeId, string>();
  readonly #differing = new Set<NodeId>();

  /** Compares with `own`; see `PeerIdentity.engine`. */
  constructor(own: string, logger: Logger) {
    this.#own = own;
    this.#logger = logger;
  }

  /** How many of the members that are linked run another one. */
  get differing(): number {
    return this.#differing.size;
  }

  /** A link with it is up. Warns the first time. */
  linkUp({ id, engine }: PeerIdentity): void {
    const node = nodeIdOf(id);
    if (engine === this.#own) {
      this.#told.delete(node);
      this.#differing.delete(node);
      return;
    }
    this.#differing.add(node);
    if (this.#told.get(node) === engine) return;
    this.#told.set(node, engine);
    this.#logger.warn(
      `node ${node} runs ${engine} and this member ${this.#own}: versions of SQLite may differ in what a statement does, so run the same on every member`,
    );
  }

  /** The link with it broke. */
  linkDown(node: NodeId): void {
    this.#differing.delete(node);
  }
}
