import type { CacheWatchEvent } from "../node/port.ts";
import {
  entryFromJson,
  entryToJson,
  type JsonKvEntry,
  type JsonKvValue,
  keyFromJson,
  keyToJson,
  parsePosition,
  positionText,
} from "./cache_json.ts";

/** A server-sent event. */
export interface ServerEvent {
  readonly event: string;
  /** Where a watch goes on that heard it; empty if it says nothing of that. */
  readonly id: string;
  readonly data: unknown;
}

/** The text of what a watch tells, as a server-sent event. */
export function watchEventText(event: CacheWatchEvent): string {
  switch (event.kind) {
    case "reset":
      return eventText("reset", {});
    case "entry":
      return eventText("entry", {
        key: keyToJson(event.key),
        ...entryToJson(event.entry),
        epoch: event.epoch,
      });
    case "removed":
      return eventText("removed", { key: keyToJson(event.key) });
    case "position": {
      const id = positionText(event.position);
      return `id: ${id}\n${eventText("position", event.position)}`;
    }
  }
}

/** What a watch tells, from a server-sent event; null for an unknown one. @throws {HiqliteError} `invalid` */
export function watchEventOf({ event, id, data }: ServerEvent):
  | CacheWatchEvent
  | null {
  switch (event) {
    case "reset":
      return { kind: "reset" };
    case "entry": {
      const { key, epoch, ...entry } = data as JsonKvEntry & {
        readonly key: JsonKvValue;
        readonly epoch: number;
      };
      return {
        kind: "entry",
        key: keyFromJson(key, "key"),
        entry: entryFromJson(entry),
        epoch,
      };
    }
    case "removed": {
      const { key } = data as { readonly key: JsonKvValue };
      return { kind: "removed", key: keyFromJson(key, "key") };
    }
    case "position":
      return { kind: "position", position: parsePosition(id, "id") };
    default:
      return null;
  }
}

function eventText(event: string, data: unknown): string {
  return `event: ${event}\ndata: ${JSON.stringify(data)}\n\n`;
}
