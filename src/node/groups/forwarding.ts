import type { RaftGroup } from "../../group/group.ts";
import type { PeerHandler } from "../../network/requests.ts";
import {
  type EnvelopeKind,
  type EnvelopeNeeds,
  writeEnvelope,
  type WriteIdentity,
} from "../../state/envelope.ts";
import { ByteReader, type ByteWriter, encodeShared } from "../../util/bytes.ts";
import { encodeRefused } from "./attempt.ts";
import type { GroupId } from "../../group/messages.ts";

/** The request by which a member hands a proposal to the leader of a group. */
export const PROPOSE = "propose";

const GROUP_BYTES = 4;

/** Encodes a proposal as it travels: the group's id (u32), then the envelope. */
export function encodeProposal(
  group: GroupId,
  kind: EnvelopeKind,
  identity: WriteIdentity,
  body?: (writer: ByteWriter) => void,
  needs?: EnvelopeNeeds,
): Uint8Array {
  return encodeShared((writer) => {
    writer.u32(group);
    writeEnvelope(writer, kind, identity, body, needs);
  });
}

/** The envelope in an encoded proposal; a view into it. */
export function envelopeOf(proposal: Uint8Array): Uint8Array {
  return proposal.subarray(GROUP_BYTES);
}

/** What a leader serves to its followers. `groupOf` gives null before this member takes part, undefined for a group it does not host. */
export function proposeHandler(
  groupOf: (id: GroupId) => RaftGroup | null | undefined,
): PeerHandler {
  return (_from, proposal, answer) => {
    const id = new ByteReader(proposal).u32();
    const group = groupOf(id);
    if (!group) {
      const detail = group === null
        ? "not in a cluster yet"
        : `this member does not host group ${id}`;
      return answer(false, encodeRefused("not_leader", detail));
    }
    // The frame is a view into a bigger buffer, which the log must not keep alive.
    group.propose(proposal.slice(GROUP_BYTES), (result) => {
      if (result.kind === "applied") answer(true, result.answer);
      else {
        const reason = result.kind === "unknown" ? "unknown" : result.reason;
        answer(false, encodeRefused(reason, result.detail));
      }
    });
  };
}
