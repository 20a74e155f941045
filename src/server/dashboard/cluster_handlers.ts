import { backupToJson } from "../../api/backup_json.ts";
import type { JsonDashboardBackups } from "../../api/dashboard/backups.ts";
import { BACKUP_BEGIN } from "../../api/routes/backup.ts";
import { MEMBERSHIP, TRANSFER } from "../../api/routes/cluster.ts";
import { LOCK_LIST } from "../../api/routes/lock.ts";
import { LISTEN } from "../../api/routes/topics.ts";
import { idempotencyKeyOf } from "../../api/idempotency_key.ts";
import type { MembershipRequest } from "../../node/port.ts";
import { respond } from "../mount.ts";
import { queryOf } from "../routes/cache_path.ts";
import { topicStream } from "../topic_stream.ts";
import { STREAM_HEADERS } from "../watch_stream.ts";
import type { DashboardHandler, DashboardHandlers } from "./asking.ts";
import { sendBackup } from "./backup_file.ts";
import { asRoute, type HandlerParts, untilSignedOut } from "./handler_parts.ts";

/** Members, backups, locks and topics. */
export function clusterHandlers(parts: HandlerParts) {
  const { member, mounting } = parts;
  return {
    transfer: (asking) =>
      asRoute(parts, asking, TRANSFER, (target) => {
        asking.deed.detail = target === undefined
          ? "to the best voter"
          : `to node ${target}`;
        return TRANSFER.ask(member, target);
      }),
    addLearner: changeMembership(parts, "add-learner"),
    promote: changeMembership(parts, "promote"),
    demote: changeMembership(parts, "demote"),
    remove: changeMembership(parts, "remove"),
    backups: ({ context }) => {
      const body: JsonDashboardBackups = {
        backups: member.backups.list().map(backupToJson),
        next_ms: member.backups.next(),
      };
      return context.json(body);
    },
    backupBegin: (asking) =>
      asRoute(parts, asking, BACKUP_BEGIN, async (request) => {
        const key = idempotencyKeyOf(asking.context.req.raw.headers);
        const record = await member.backups.begin({ ...request, ...key });
        asking.deed.detail = record.name;
        asking.deed.did = record.began;
        return record;
      }),
    backupFile: sendBackup(parts),
    locks: async ({ context }) => {
      const answer = await member.locks.list({
        signal: context.req.raw.signal,
      });
      const { deliveries } = mounting;
      return respond(context, deliveries, LOCK_LIST.reply, answer);
    },
    notify: listenTo(parts),
  } satisfies Partial<DashboardHandlers>;
}

function changeMembership(
  parts: HandlerParts,
  action: MembershipRequest["action"],
): DashboardHandler {
  const route = MEMBERSHIP[action];
  return (asking) =>
    asRoute(parts, asking, route, (request) => {
      asking.deed.detail = `node ${request.nodeId}`;
      return route.ask(parts.member, request);
    });
}

/** Ends with the session. */
function listenTo({ member, sessions }: HandlerParts): DashboardHandler {
  return ({ context, session }) => {
    const query = queryOf(context.req.raw, Object.keys(LISTEN.query));
    const topics = query.key("topics") ?? "*";
    const since = context.req.header("last-event-id") ?? query.key("since");
    const stream = topicStream(
      member,
      topics,
      since,
      untilSignedOut(sessions, session),
    );
    return context.body(stream, 200, STREAM_HEADERS);
  };
}
