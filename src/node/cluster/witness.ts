import type { Network } from "../../network/port.ts";
import type {
  LogId,
  LogIndex,
  MemberId,
  NodeId,
  Term,
} from "../../raft/types.ts";
import { nodeIdOf } from "../../raft/types.ts";
import type { StateHash } from "../../state/port.ts";
import type { Disagreements } from "./disagreements.ts";
import type { Witnessed } from "../volume/identity.ts";
import {
  decodeJson,
  encodeJson,
  type PeerHandler,
} from "../../network/requests.ts";
import type { PeerRequests } from "../../network/requests.ts";

/** What a member says it has on its disk. */
export interface Testimony {
  /** How often the member was started on this volume. */
  readonly boot: number;
  /** Drawn at that start: two processes with the same count ran on copies of one volume. */
  readonly process: string;
  /** What was drawn at the last starts on this volume, the present one last. */
  readonly starts: readonly string[];
  /** A term it has durably seen. */
  readonly term: Term;
  /** The term it is in, durable or not. */
  readonly current: Term;
  /** The last entry that it must not lose; null if it promises none (`log_sync`). */
  readonly last: LogId | null;
  /** What its state was at some of the last indexes. */
  readonly hashes: readonly StateHash[];
}

/** What a witness says of a member. */
interface WitnessAnswer {
  readonly problem: string | null;
  /** Whether the witness leads: then what it knows is the committed configuration's. */
  readonly leads: boolean;
  /** Whom the witness follows, itself if it leads, and in which term. */
  readonly leader: KnownLeader | null;
  /** Whether the witness leads a cluster that the member was removed from. */
  readonly removed: boolean;
}

/** A leader, and its term. */
export interface KnownLeader {
  readonly member: MemberId;
  readonly term: Term;
}

/** What witnesses need from their node. */
export interface WitnessPorts {
  readonly network: Network;
  readonly requests: PeerRequests;
  self(): MemberId;
  testimony(): Testimony;
  /** What was memorized before this start. */
  memorized(): readonly Witnessed[];
  /** Of a leader: how far `member` told it in this term that its log is durable; null if it did not. */
  acknowledged(member: MemberId): LogId | null;
  /** Of a leader: who took the place of a member that is in `term`, or that it was removed; null if it is a member, or nobody knows. */
  successor(member: MemberId, term: Term): MemberId | "removed" | null;
  /** Whom this member follows, itself if it leads. */
  leader(): KnownLeader | null;
  readonly disagreements: Disagreements;
  /** Makes a start of another member outlive this process. */
  memorize(start: Witnessed): void;
}

/** What the others know of this member. */
export type Verdict =
  /** A majority knows nothing that this member has forgotten; so many others did not answer. */
  | { readonly kind: "confirmed"; readonly silent: number }
  /** `vouched`: a leader knows nothing, either. */
  | { readonly kind: "waiting"; readonly vouched: boolean }
  /** A leader says that this member belongs to the cluster no more. */
  | { readonly kind: "removed" }
  /** A majority says, itself or by the leader it follows, that it remembers more than this member does: its volume is an old one. */
  | { readonly kind: "rolledBack"; readonly detail: string }
  /** Somebody says so, and no majority with it: that may be an old volume, or a witness that is wrong. */
  | {
    readonly kind: "doubted";
    readonly node: NodeId;
    readonly detail: string;
  };

type Question = "witness.greet" | "witness.report";

const REQUEST_MS = 1_000;

/**
 * Members remember what the others last said they have. A volume that was put
 * back to an earlier state (a restored copy, a reverted disk) contradicts that
 * memory, and its member must not vote or acknowledge under the old name: it
 * takes part only after a majority found no contradiction, and nobody who is there.
 * Starts are remembered for ever, what a member had since its start only while the
 * witness runs.
 */
export class Witness {
  readonly #ports: WitnessPorts;
  readonly #seen = new Map<MemberId, Testimony>();

  /** Knows the last starts of the others, not yet what they had. */
  constructor(ports: WitnessPorts) {
    this.#ports = ports;
    for (const { member, boot, process } of ports.memorized()) {
      const nothing = {
        term: 0,
        current: 0,
        last: null,
        hashes: [],
        starts: [],
      };
      this.#seen.set(member, { boot, process, ...nothing });
    }
  }

  /** What this member serves to others: they say what they have, and hear whether that contradicts what is known. */
  handlers(): Record<string, PeerHandler> {
    return {
      "witness.greet": ({ id }, body, answer) => {
        // Nothing of this process is on its way yet, so the leader's knowledge is exact.
        const known = this.#ports.acknowledged(id);
        answer(true, encodeJson(this.#judge(id, body, known)));
      },
      "witness.report": ({ id }, body, answer) =>
        answer(true, encodeJson(this.#judge(id, body, null))),
    };
  }

  /** Whether a testimony can be believed; it is remembered then. */
  #judge(from: MemberId, body: Uint8Array, known: LogId | null): WitnessAnswer {
    const said = decodeJson(body) as Testimony;
    const successor = this.#ports.successor(from, said.current);
    const removed = successor === "removed";
    const problem = successor !== null && !removed
      ? `${successor} took its place`
      : brokenPromise(known, said) ??
        contradiction(this.#seen.get(from), said);
    if (problem === null) this.#remember(from, said);
    const leader = this.#ports.leader();
    const leads = leader?.member === this.#ports.self();
    return { problem, leads, leader, removed };
  }

  /**
   * Compares this member's state with what a majority of the voters had at the
   * same index. Answers how it differs, or null; notes every disagreement, also without a majority.
   */
  divergence(voters: readonly MemberId[]): string | null {
    const self = this.#ports.self();
    const { hashes } = this.#ports.testimony();
    this.#compare(voters, hashes);
    for (const { index, hash } of hashes) {
      const votes = new Map<number, number>();
      for (const voter of voters) {
        const said = voter === self ? hash : this.#hashOf(voter, index);
        if (said !== undefined) votes.set(said, (votes.get(said) ?? 0) + 1);
      }
      for (const [other, count] of votes) {
        if (other !== hash && count > voters.length / 2) {
          return `its state at index ${index} has checksum ${hash}, that of ${count} other members has ${other}`;
        }
      }
    }
    return null;
  }

  #hashOf(member: MemberId, index: LogIndex): number | undefined {
    return this.#seen.get(member)?.hashes
      .find((hash) => hash.index === index)?.hash;
  }

  /** Notes with which of the voters this member's state agrees at the last index that both tell of, and with which not. */
  #compare(voters: readonly MemberId[], hashes: readonly StateHash[]): void {
    const self = this.#ports.self();
    const { disagreements } = this.#ports;
    disagreements.keep(voters);
    for (const voter of voters) {
      if (voter === self) continue;
      const common = hashes.filter(({ index }) =>
        this.#hashOf(voter, index) !== undefined
      );
      const differs = ({ index, hash }: StateHash): boolean =>
        this.#hashOf(voter, index) !== hash;
      const last = common.at(-1);
      if (last === undefined) continue;
      if (!differs(last)) disagreements.settled(voter);
      else {
        const { index, hash, table } = common.find(differs)!;
        disagreements.found(
          voter,
          `at index ${index} the state of ${self} has checksum ${hash}, that of ${voter} has ${
            this.#hashOf(voter, index)
          }: an answer or a row${
            table ? `, perhaps of ${table},` : ""
          } differs`,
        );
      }
    }
  }

  /** Before this member takes part: asks the other voters it remembers, and the `nodes`, what they know of it. */
  greet(
    voters: readonly MemberId[],
    nodes: readonly NodeId[],
  ): Promise<Verdict> {
    return this.#ask(voters, nodes, "witness.greet");
  }

  /** Once it takes part: tells the other voters what it has, and hears what they know. */
  report(voters: readonly MemberId[]): Promise<Verdict> {
    return this.#ask(voters, [], "witness.report");
  }

  async #ask(
    voters: readonly MemberId[],
    nodes: readonly NodeId[],
    what: Question,
  ): Promise<Verdict> {
    const self = this.#ports.self();
    const others = (ids: readonly NodeId[]): NodeId[] =>
      [...new Set(ids)].filter((id) => id !== nodeIdOf(self));
    const voting = others(voters.map(nodeIdOf));
    const asked = others([...voting, ...nodes]);
    const answers = new Map(
      await Promise.all(
        asked.map(async (id) => [id, await this.#tell(id, what)] as const),
      ),
    );
    const heard = [...answers.values()].filter((said) => said !== undefined);
    const accusation = judgeAccusers(answers, voting, voters.length);
    if (accusation !== null) return accusation;
    if (heard.some(({ removed }) => removed)) return { kind: "removed" };
    const silent = voting.filter((id) => answers.get(id) === undefined).length;
    const agreeing = voting.length - silent + (voters.includes(self) ? 1 : 0);
    return agreeing > voters.length / 2
      ? { kind: "confirmed", silent }
      : { kind: "waiting", vouched: heard.some(({ leads }) => leads) };
  }

  #remember(member: MemberId, said: Testimony): void {
    const seen = this.#seen.get(member);
    // The log of one process may shrink for a moment, when a leader replaces its end.
    const shorter = seen !== undefined && seen.process === said.process &&
      isAbove(seen.last, said.last);
    if (seen?.process !== said.process) {
      const { boot, process } = said;
      this.#ports.memorize({ member, boot, process });
    }
    this.#seen.set(member, shorter ? { ...said, last: seen.last } : said);
  }

  /** Whether `member` ever told what it has, so that it took part. */
  remembers(member: MemberId): boolean {
    return this.#seen.has(member);
  }

  /** Tells a member what this one has; undefined if it does not answer. */
  async #tell(
    node: NodeId,
    what: Question,
  ): Promise<WitnessAnswer | undefined> {
    const answer = await this.#ports.requests.askWithin(
      REQUEST_MS,
      node,
      what,
      encodeJson(this.#ports.testimony()),
      "control",
    );
    return answer.kind === "ok"
      ? (decodeJson(answer.body) as WitnessAnswer | null) ?? undefined
      : undefined;
  }
}

/**
 * What those who contradict this member are worth together: data is given up only
 * on the word of a majority of the voters, or of the leader that a majority
 * follows, for it is that majority's word that it leads. Null if nobody does.
 */
function judgeAccusers(
  answers: ReadonlyMap<NodeId, WitnessAnswer | undefined>,
  voting: readonly NodeId[],
  voters: number,
): Verdict | null {
  const isMajority = (holds: (said: WitnessAnswer) => boolean): boolean =>
    voting.filter((node) => {
      const said = answers.get(node);
      return said !== undefined && holds(said);
    }).length > voters / 2;
  const accuses = ({ problem }: WitnessAnswer): boolean => problem !== null;
  const accusers = [...answers].filter(([, said]) => said && accuses(said));
  const [first] = accusers;
  if (first === undefined) return null;
  const [node, said] = first;
  const detail = said!.problem!;
  if (isMajority(accuses)) return { kind: "rolledBack", detail };
  for (const [, accuser] of accusers) {
    const { leads, leader, problem } = accuser!;
    const followed = leads &&
      isMajority((other) =>
        other.leader?.member === leader?.member &&
        other.leader?.term === leader?.term
      );
    if (followed) return { kind: "rolledBack", detail: problem! };
  }
  return { kind: "doubted", node, detail };
}

function contradiction(
  seen: Testimony | undefined,
  said: Testimony,
): string | null {
  if (seen === undefined || said.process === seen.process) return null;
  if (said.boot <= seen.boot) {
    return `it was started ${seen.boot} times, its volume says ${said.boot}`;
  }
  // One that was started often enough since counts more starts than are remembered.
  const then = said.starts.at(seen.boot - said.boot - 1);
  if (then !== undefined && then !== seen.process) {
    return `start ${seen.boot} on this volume differs from the start ${seen.boot} its peers saw`;
  }
  // A later leader may have replaced the end of its log.
  if (said.term > seen.term || !isAbove(seen.last, said.last)) return null;
  return `its log reached ${place(seen.last)}, its volume ends at ${
    place(said.last)
  }`;
}

/** How a volume contradicts what its member told its leader, or null. */
function brokenPromise(
  acknowledged: LogId | null,
  { term, last }: Testimony,
): string | null {
  // A leader of a later term may have replaced the end of its log.
  if (acknowledged === null || term > acknowledged.term) return null;
  const { index } = last ?? acknowledged;
  if (term === acknowledged.term && index >= acknowledged.index) return null;
  return `it acknowledged index ${acknowledged.index} in term ${acknowledged.term}, its volume ends at ${index} and knows term ${term}`;
}

/** Whether one is known to be above the other: who promises nothing now may have promised before. */
function isAbove(a: LogId | null, b: LogId | null): boolean {
  if (a === null || b === null) return false;
  return a.term > b.term || a.term === b.term && a.index > b.index;
}

function place(id: LogId | null): string {
  return id === null ? "nowhere" : `(${id.term}, ${id.index})`;
}
