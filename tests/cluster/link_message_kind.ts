import {
  decodeBatch,
  FRAME_HEADER_BYTES,
  FrameKind,
} from "../../src/network/frame.ts";

/**
 * What a message on a link is: one of Raft is what may be lost, doubled and overtaken; an answer to a request,
 * maybe with others, is what may only be lost with its connection.
 */
export function kindOf(message: Uint8Array): "raft" | "answer" | "other" {
  switch (message[0]) {
    case FrameKind.raft:
      return "raft";
    case FrameKind.response:
      return "answer";
    case FrameKind.batch: {
      const frames = decodeBatch(message.subarray(FRAME_HEADER_BYTES));
      return frames.some(([first]) => first === FrameKind.response)
        ? "answer"
        : "other";
    }
    default:
      return "other";
  }
}
