import {
  decodeJson,
  encodeJson,
  type PeerHandler,
  type PeerRequests,
} from "../../network/requests.ts";
import type { LogId, MemberId, NodeId } from "../../raft/types.ts";
import { ByteReader, encode } from "../../util/bytes.ts";
import type { GroupId } from "../../group/messages.ts";

/** The request that asks a node under which mark it knows a group, and what. */
export const ROLL_CALL = "rollCall";

/** What a call is about. */
export interface RollCallSubject {
  readonly group: GroupId;
  readonly epoch: number;
  /** How often the voters of the epoch have changed, as the caller knows it. */
  readonly number: number;
}

/** What a node says of itself. */
export interface RollCallAnswer {
  /** See `HostedMark.mark`. */
  readonly mark: string;
  /**
   * The sets of voters that are in force by its log; without {@linkcode RollCallAnswer.last} also those that may come
   * again. Null if it leads, or knows nothing of the epoch.
   */
  readonly voters: readonly (readonly MemberId[])[] | null;
  /** Where its log ends; left out where the log may lose its end, as on a disk. */
  readonly last?: LogId;
}

/** Answers calls; `answerTo` gives undefined for a group that this member does not host. */
export function rollCallHandler(
  answerTo: (group: GroupId, epoch: number) => RollCallAnswer | undefined,
): PeerHandler {
  return (_from, body, answer) => {
    const reader = new ByteReader(body);
    const said = answerTo(reader.u32(), reader.u53());
    answer(said !== undefined, encodeJson(said ?? {}));
  };
}

/**
 * Asks nodes under which marks they know a group now. What a link once said is not enough: it may be one to a process that
 * ended since. A mark in an answer was in use after it was asked for, and marks do not come back: so every other mark that
 * was known by then came before it, and is given up.
 */
export class RollCall {
  /** Another subject makes it useless. */
  readonly subject: RollCallSubject;
  readonly #answers = new Map<NodeId, RollCallAnswer>();

  /** Asks at once. */
  constructor(
    subject: RollCallSubject,
    nodes: Iterable<NodeId>,
    requests: PeerRequests,
  ) {
    this.subject = subject;
    const { group, epoch } = subject;
    const body = encode((writer) => writer.u32(group).u53(epoch));
    for (const node of nodes) {
      requests.ask(node, ROLL_CALL, body, (answer) => {
        if (answer.kind !== "ok") return;
        this.note(node, decodeJson(answer.body) as RollCallAnswer);
      });
    }
  }

  /** A node has answered. */
  note(node: NodeId, answer: RollCallAnswer): void {
    this.#answers.set(node, answer);
  }

  /** Whether it is about this. */
  isAbout({ epoch, number }: Omit<RollCallSubject, "group">): boolean {
    return this.subject.epoch === epoch && this.subject.number === number;
  }

  /** What a node answered; undefined for silence, which says nothing. */
  answerOf(node: NodeId): RollCallAnswer | undefined {
    return this.#answers.get(node);
  }
}
