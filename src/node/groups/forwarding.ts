import type { RaftGroup } from "../../group/group.ts";
import type { PeerHandler } from "../../network/requests.ts";
import type { LogIndex, MemberId } from "../../raft/types.ts";
import {
  type EnvelopeKind,
  type EnvelopeNeeds,
  peekSequence,
  writeEnvelope,
  type WriteIdentity,
} from "../../state/envelope.ts";
import { ByteReader, type ByteWriter, encodeShared } from "../../util/bytes.ts";
import { encodeRefused } from "./attempt.ts";
import type { GroupId } from "../../group/messages.ts";

/** The request by which a member hands a proposal to the leader of a group. */
export const PROPOSE = "propose";

const HEAD_BYTES = 12;

/** The life of a group that a proposal is for: its sessions count in no other one. */
export interface Destination {
  readonly group: GroupId;
  /** 0 in the durable group, which has one life. */
  readonly epoch: number;
}

/** Encodes a proposal as it travels: the group's id (u32) and epoch (u53), then the envelope. */
export function encodeProposal(
  { group, epoch }: Destination,
  kind: EnvelopeKind,
  identity: WriteIdentity,
  body?: (writer: ByteWriter) => void,
  needs?: EnvelopeNeeds,
): Uint8Array {
  return encodeShared((writer) => {
    writer.u32(group).u53(epoch);
    writeEnvelope(writer, kind, identity, body, needs);
  });
}

/** The envelope in an encoded proposal; a view into it. */
export function envelopeOf(proposal: Uint8Array): Uint8Array {
  return proposal.subarray(HEAD_BYTES);
}

/** A group that proposals can be for. */
export interface ProposedTo {
  /** Null while this member takes no part. */
  readonly group: RaftGroup | null;
  readonly epoch: number;
}

/**
 * Asked whether a proposal of a member is traced, by its number in that one's session; what it returns is called at the
 * end, with the index that the entry has, null if it was not applied here, and why not.
 */
export type ProposalWatch = (
  from: MemberId,
  group: GroupId,
  sequence: number,
) => ((index: LogIndex | null, failure: string | null) => void) | null;

/** What a leader serves to its followers; `hosted` gives undefined for a group that this member does not host. */
export function proposeHandler(
  hosted: (id: GroupId) => ProposedTo | undefined,
  watch: ProposalWatch = () => null,
): PeerHandler {
  return (from, proposal, answer) => {
    const reader = new ByteReader(proposal);
    const id = reader.u32();
    const epoch = reader.u53();
    const refuse = (detail: string): void =>
      answer(false, encodeRefused("not_leader", detail));
    const to = hosted(id);
    if (to === undefined) {
      return refuse(`this member does not host group ${id}`);
    }
    const { group } = to;
    if (group === null) return refuse("not in a cluster yet");
    if (epoch !== to.epoch) {
      return refuse(`group ${id} is in epoch ${to.epoch}, not ${epoch}`);
    }
    // The frame is a view into a bigger buffer, which the log must not keep alive.
    const envelope = proposal.slice(HEAD_BYTES);
    const traced = watch(from.id, id, peekSequence(envelope));
    group.propose(envelope, (result) => {
      if (result.kind === "applied") {
        traced?.(result.index, null);
        answer(true, result.answer);
        // Its caller waits there until the entry is applied, too.
        group.tellCommits();
      } else {
        const reason = result.kind === "unknown" ? "unknown" : result.reason;
        traced?.(null, reason);
        answer(false, encodeRefused(reason, result.detail));
      }
    });
  };
}
