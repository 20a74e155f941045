import { LISTEN } from "../../api/routes/topics.ts";
import { topicMessageOf } from "../../api/topics.ts";
import type { ListenRequest, TopicMessage } from "../../node/port.ts";
import type { FailoverOptions } from "../failover.ts";
import { followOverHttp } from "../follow.ts";

/** Listens over HTTP: from the last id, wherever the stream goes on. @throws {HiqliteError} as {@linkcode followOverHttp}. */
export function listenOverHttp(
  options: FailoverOptions,
  { topics, since, signal }: ListenRequest,
  closing: AbortSignal,
): AsyncGenerator<TopicMessage> {
  return followOverHttp(options, {
    request: (id) => ({ path: pathOf(topics, id ?? since) }),
    read: topicMessageOf,
    idAfter: ({ id }, before) => id === "" ? before : id,
    // A member that is behind.
    passing: "timeout",
    signal,
  }, closing);
}

function pathOf(topics: readonly string[], since: string | undefined): string {
  const query = [`topics=${encodeURIComponent(topics.join(","))}`];
  if (since !== undefined) query.push(`since=${since}`);
  return `${LISTEN.path}?${query.join("&")}`;
}
