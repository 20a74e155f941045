import type { GroupId } from "../../group/messages.ts";
import type { PeerRequests } from "../../network/requests.ts";
import { type MemberId, nodeIdOf } from "../../raft/types.ts";
import { ByteReader, encode } from "../../util/bytes.ts";

/**
 * The request by which a member tells the leader in which trace the proposal is that comes next. It is one of its own,
 * so that a leader of an older release, which does not know it, takes the proposal all the same.
 */
export const TRACE = "trace";

/** Which proposal of its sender is part of which trace. */
export interface TraceNotice {
  readonly group: GroupId;
  /** The proposal's number in its sender's session. */
  readonly sequence: number;
  /** As in HTTP (W3C Trace Context): the span that waits for the leader. */
  readonly traceparent: string;
}

/** The body of a {@linkcode TRACE}. */
export function encodeTraceNotice(
  { group, sequence, traceparent }: TraceNotice,
): Uint8Array {
  return encode((writer) => writer.u32(group).u53(sequence).text(traceparent));
}

/** Tells the leader of a trace, before the proposal. Nobody waits for what it says. */
export function tellTrace(
  requests: PeerRequests,
  leader: MemberId,
  notice: TraceNotice,
): void {
  const body = encodeTraceNotice(notice);
  requests.ask(nodeIdOf(leader), TRACE, body, () => {});
}

/** Reads {@linkcode encodeTraceNotice}. @throws {MalformedBytesError} */
export function decodeTraceNotice(body: Uint8Array): TraceNotice {
  const reader = new ByteReader(body);
  return {
    group: reader.u32(),
    sequence: reader.u53(),
    traceparent: reader.text(),
  };
}
