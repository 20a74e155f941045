import type { NotifyAnswer, NotifyRequest } from "../../node/port.ts";
import { kvValueToJson } from "../cache_json.ts";
import { fieldsOf, textField, timeoutField } from "../fields.ts";
import { object, reference } from "../json_schema.ts";
import type { MemberRoute, ResourceRoute } from "../route.ts";
import {
  eventDataFromJson,
  NOTIFICATION_PROPERTIES,
  NOTIFIED_PROPERTIES,
} from "../topics.ts";

/** `POST /api/v1/notify` */
export const NOTIFY: MemberRoute<NotifyRequest, NotifyAnswer> = {
  method: "POST",
  path: "/api/v1/notify",
  summary: "Publish an event; its id is known once it is applied.",
  scope: "write",
  repeat: "keyed",
  request: {
    schema: object(NOTIFICATION_PROPERTIES, ["topic", "data"]),
    encode: ({ notices: [notice] }, timeoutMs) => ({
      topic: notice!.topic,
      data: kvValueToJson(notice!.data),
      timeout_ms: timeoutMs,
    }),
    decode: (json) => {
      const fields = fieldsOf(json, ["topic", "data", "timeout_ms"]);
      const topic = textField(fields, "topic");
      const data = eventDataFromJson(fields.get("data"), "data");
      return { notices: [{ topic, data }], ...timeoutField(fields) };
    },
  },
  reply: {
    format: "json",
    statuses: { 200: "Published." },
    schema: object({ ...NOTIFIED_PROPERTIES, index: reference("Index") }),
    encode: ({ ids: [id], index }) => ({ id, index }),
    decode: (body) => {
      const { id, index } = body as { readonly id: string; index: number };
      return { ids: [id], index };
    },
  },
  ask: (member, request) => member.topics.notify(request),
};

/** The routes of topics that have a body. */
export const TOPIC_ROUTES = { NOTIFY };

/** `GET /api/v1/listen` */
export const LISTEN: ResourceRoute = {
  method: "GET",
  path: "/api/v1/listen",
  scope: "read",
  summary:
    "Listen to topics: server-sent events, each with the topic as its name, its id, and its data as JSON. `hql:lagged` tells that events were missed, `hql:reset` that the id to go on from is of another history. Every 15 s without an event the present id.",
  query: {
    topics:
      "Names, with commas between them; with * at the end all topics that begin so. 1 to 100.",
    since:
      "The id of the event that was processed last, or `oldest`. Without it, from now on.",
  },
  headers: { "Last-Event-ID": "As `since`, and counts more." },
  keyed: false,
  statuses: { 200: "Events, as text/event-stream." },
};
