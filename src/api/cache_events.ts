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
import { type ServerEvent, serverEventText } from "./server_event.ts";

/** From here nobody goes on: no life of the caches has this number, so whoever comes with it begins with a reset. */
const NOWHERE = positionText({ epoch: 0, index: 0 });

/** The text of what a watch tells, as a server-sent event. */
export function watchEventText(event: CacheWatchEvent): string {
  switch (event.kind) {
    case "reset":
      // What an EventSource was told before is no place to go on from if it is cut off before the next position.
      return serverEventText("reset", {}, NOWHERE);
    case "entry":
      return serverEventText("entry", {
        key: keyToJson(event.key),
        ...entryToJson(event.entry),
        epoch: event.epoch,
      });
    case "removed":
      return serverEventText("removed", { key: keyToJson(event.key) });
    case "position": {
      const id = positionText(event.position);
      return serverEventText("position", event.position, id);
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
