import type { GroupMessage } from "../../src/group/messages.ts";

/** What a trace line says of a message. */
export function factsOf(message: GroupMessage): (string | number)[] {
  switch (message.type) {
    case "requestVote":
      return [
        message.preVote ? "pre" : "",
        `${message.lastLog.index}/${message.lastLog.term}`,
      ];
    case "voteReply":
      return [message.preVote ? "pre" : "", message.granted ? "yes" : "no"];
    case "appendEntries":
      return [
        `${message.prev.index}/${message.prev.term}`,
        message.last,
        "commit",
        message.commit,
      ];
    case "appendReply":
      return [
        message.ok ? "ok" : "no",
        message.index,
        `${message.hint.index}/${message.hint.term}`,
      ];
    case "heartbeat":
      return [message.round, "commit", message.commit, message.clockMs];
    case "heartbeatReply":
      return [message.round];
    case "readIndex":
      return [message.requestId];
    case "readIndexReply":
      return [message.requestId, message.index ?? -1];
    case "snapshotChunk":
    case "snapshotAck":
      return [`${message.last.index}/${message.last.term}`, message.offset];
    default:
      return [];
  }
}
