import { encodeFrame, FrameKind } from "./frame.ts";
import {
  decodeConfiguration,
  encodeConfiguration,
} from "../raft/configuration.ts";
import { ByteReader, ByteWriter, MalformedBytesError } from "../util/bytes.ts";
import type { GroupId, SnapshotAck, SnapshotChunk } from "../group/messages.ts";

const STATES: readonly SnapshotAck["state"][] = ["more", "done", "failed"];
const CHUNK = 0;
const ACK = 1;

/** Encodes a piece of a snapshot, or its answer, as one frame. */
export function encodeSnapshotFrame(
  group: GroupId,
  message: SnapshotChunk | SnapshotAck,
): Uint8Array {
  const writer = new ByteWriter(512);
  writer.u32(group).u8(message.type === "snapshotChunk" ? CHUNK : ACK);
  writer.text(message.from).text(message.to).u53(message.term);
  writer.u53(message.last.term).u53(message.last.index).u53(message.offset);
  if (message.type === "snapshotChunk") {
    writer.bytes(encodeConfiguration(message.config));
    writer.u53(message.size).text(message.sha256).bytes(message.bytes);
  } else {
    writer.u8(STATES.indexOf(message.state));
  }
  return encodeFrame(FrameKind.snapshotChunk, writer.view());
}

/**
 * Decodes the body of a snapshot frame.
 * @throws {MalformedBytesError}
 */
export function decodeSnapshotFrame(
  body: Uint8Array,
): { group: GroupId; message: SnapshotChunk | SnapshotAck } {
  const reader = new ByteReader(body);
  const group = reader.u32();
  const kind = reader.u8();
  const from = reader.text();
  const to = reader.text();
  const term = reader.u53();
  const last = { term: reader.u53(), index: reader.u53() };
  const offset = reader.u53();
  const common = { from, to, term, last, offset };
  if (kind === CHUNK) {
    const config = decodeConfiguration(reader.bytes());
    const size = reader.u53();
    const sha256 = reader.text();
    const bytes = reader.bytes();
    reader.end();
    return {
      group,
      message: {
        type: "snapshotChunk",
        ...common,
        config,
        size,
        sha256,
        bytes,
      },
    };
  }
  const state = STATES[reader.u8()];
  if (kind !== ACK || state === undefined) {
    throw new MalformedBytesError(`unknown snapshot frame ${kind}`);
  }
  reader.end();
  return { group, message: { type: "snapshotAck", ...common, state } };
}
