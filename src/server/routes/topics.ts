import { LISTEN, NOTIFY } from "../../api/routes/topics.ts";
import { HiqliteError } from "../../errors.ts";
import type { Member } from "../../node/port.ts";
import { mount, type Mounting, mountResource } from "../mount.ts";
import { topicStream } from "../topic_stream.ts";
import { STREAM_HEADERS } from "../watch_stream.ts";
import { queryOf } from "./cache_path.ts";

/** Mounts the routes of topics. */
export function mountTopics(mounting: Mounting, member: Member): void {
  mount(
    mounting,
    NOTIFY,
    (request, { key }) => NOTIFY.ask(member, { ...request, ...key }),
  );
  mountResource(mounting, LISTEN, (context, access) => {
    const query = queryOf(context.req.raw, Object.keys(LISTEN.query));
    const topics = query.key("topics");
    if (topics === undefined) {
      throw new HiqliteError("invalid", "topics: is missing");
    }
    const since = context.req.header("last-event-id") ?? query.key("since");
    const stream = topicStream(
      member,
      topics,
      since,
      (end) => mounting.ends.watch(access, end),
    );
    return context.body(stream, 200, STREAM_HEADERS);
  });
}
