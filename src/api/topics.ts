import type { TopicMessage } from "../node/port.ts";
import type { WriteNotice } from "../state/sql/types.ts";
import type { StoredValue } from "../state/stored_value.ts";
import type { ServerEvent } from "./server_event.ts";
import { kvValueFromJson, kvValueToJson } from "./cache_json.ts";
import { arrayField, type Fields, fieldsOf, textField } from "./fields.ts";
import { invalid } from "./json.ts";
import {
  arrayOf,
  type NamedSchemas,
  object,
  reference,
  TEXT,
} from "./json_schema.ts";
import { referenceFromJson } from "./statement.ts";

/** Schemas of what is published. */
export const TOPIC_SCHEMAS: NamedSchemas = {
  Topic: {
    type: "string",
    pattern: "^[A-Za-z0-9_.-]{1,64}$",
  },
  EventData: {
    description:
      'What an event carries, 256 KiB at most: a text, bytes as {"$blob": "<base64>"}, JSON as {"$json": "<its text>"} or any other JSON value as it is.',
  },
  Notification: object({
    topic: reference("Topic"),
    data: {
      description:
        "As EventData; in a write also a Reference to what a statement of it returned.",
    },
  }, ["topic", "data"]),
};

/** Properties of a write that publishes. */
export const NOTIFY_PROPERTIES: NamedSchemas = {
  notify: arrayOf(reference("Notification")),
};

/** An object that would be taken for a tagged value. */
const TAGGED = /^\s*\{\s*"\$(blob|json|ref)"/;

/** Names of server-sent events that are no topic. */
const LAGGED = "hql:lagged";
const RESET = "hql:reset";

const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** What an event carries, from JSON. @throws {HiqliteError} `invalid`, beginning with `path`. */
export function eventDataFromJson(json: unknown, path: string): StoredValue {
  if (json === undefined) throw invalid(path, "is missing");
  const tag = typeof json === "object" && json !== null && !Array.isArray(json)
    ? Object.keys(json)
    : [];
  const isTagged = tag.length === 1 && /^\$(blob|json)$/.test(tag[0]!);
  return typeof json === "string" || isTagged
    ? kvValueFromJson(json, path)
    : kvValueFromJson({ $json: jsonTextOf(json) }, path);
}

/** The JSON of a value whose long integers were read exactly. */
function jsonTextOf(json: unknown): string {
  return JSON.stringify(
    json,
    (_, value) => typeof value === "bigint" ? RAW.rawJSON(`${value}`) : value,
  );
}

/** Newer than the language's types. */
const RAW = JSON as unknown as { rawJSON(text: string): unknown };

/** What a write publishes, from JSON. @throws {HiqliteError} `invalid` */
export function notifyFromJson(
  fields: Fields,
): { readonly notify?: readonly WriteNotice[] } {
  if (fields.get("notify") === undefined) return {};
  const notify = arrayField(fields, "notify").map((item, at) => {
    const path = `notify[${at}]`;
    const own = fieldsOf(item, ["topic", "data"], path);
    const topic = textField(own, "topic", `${path}.topic`);
    const place = `${path}.data`;
    const data = own.get("data");
    return {
      topic,
      data: referenceFromJson(data, place) ?? eventDataFromJson(data, place),
    };
  });
  return notify.length === 0 ? {} : { notify };
}

/** The JSON form of what a write publishes. */
export function notifyToJson(
  notify: readonly WriteNotice[] | undefined,
): { readonly notify?: readonly unknown[] } {
  if (notify === undefined) return {};
  return {
    notify: notify.map(({ topic, data }) => ({
      topic,
      data: "$ref" in data ? data : kvValueToJson(data),
    })),
  };
}

/** What a listener hears, as a server-sent event. One that only tells the place is none for browsers, which take its id. */
export function topicMessageText(message: TopicMessage): string {
  const { id } = message;
  switch (message.kind) {
    case "place":
      return `id: ${id}\n\n`;
    case "event":
      return eventText(id, message.topic, dataText(message.data));
    case "lagged": {
      const { from, oldest, missed } = message;
      return eventText(id, LAGGED, JSON.stringify({ from, oldest, missed }));
    }
    case "reset":
      return eventText(id, RESET, JSON.stringify({ from: message.from }));
  }
}

function eventText(id: string, event: string, data: string): string {
  return `id: ${id}\nevent: ${event}\ndata: ${data}\n\n`;
}

/** JSON in one line. */
function dataText(value: StoredValue): string {
  if (value.kind !== "json") return JSON.stringify(kvValueToJson(value));
  const text = decoder.decode(value.bytes);
  if (TAGGED.test(text)) return JSON.stringify({ $json: text });
  // A line feed in JSON is space between its parts.
  return text.replaceAll(/[\r\n]/g, " ");
}

/** What a listener hears, from a server-sent event. @throws {HiqliteError} `invalid` */
export function topicMessageOf({ event, id, data }: ServerEvent): TopicMessage {
  switch (event) {
    case "":
      return { kind: "place", id };
    case LAGGED: {
      const { from, oldest, missed } = data as {
        readonly from: string;
        readonly oldest: string | null;
        readonly missed: number;
      };
      return { kind: "lagged", id, from, oldest, missed };
    }
    case RESET:
      return { kind: "reset", id, from: (data as { from: string }).from };
    default:
      return {
        kind: "event",
        id,
        topic: event,
        data: eventDataFromJson(data, "data"),
      };
  }
}

/** Properties of an event that is published by itself. */
export const NOTIFICATION_PROPERTIES: NamedSchemas = {
  topic: reference("Topic"),
  data: reference("EventData"),
  timeout_ms: { type: "integer" },
};

/** Properties of where it was published. */
export const NOTIFIED_PROPERTIES: NamedSchemas = { id: TEXT };
