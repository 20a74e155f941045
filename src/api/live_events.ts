import type { LiveEvent, TableChange } from "../node/port.ts";
import type { QueryResult } from "../state/sql/types.ts";
import { rowsFromJson, rowsToJson } from "./json.ts";
import {
  livePositionText,
  parseLivePosition,
  parsePlace,
  placeText,
} from "./log_place.ts";
import {
  bookmarkText,
  type ServerEvent,
  serverEventText,
} from "./server_event.ts";

/** A change of tables as a server-sent event. */
export function changeText({ place, ...change }: TableChange): string {
  return serverEventText("change", change, placeText(place));
}

/** A change of tables from a server-sent event; null for another one. @throws {HiqliteError} `invalid` */
export function tableChangeOf(
  { event, id, data }: ServerEvent,
): TableChange | null {
  if (event !== "change") return null;
  const place = parsePlace(id, "id");
  const change = data as Omit<TableChange, "place">;
  return typeof place === "number" ? null : { ...change, place };
}

/** What a live query tells as a server-sent event. */
export function liveEventText(event: LiveEvent): string {
  const id = livePositionText(event);
  if (event.kind === "same") return bookmarkText(id);
  const { result: { columns, rows }, place: { index } } = event;
  return serverEventText(
    "rows",
    { columns, rows: rowsToJson(rows), index },
    id,
  );
}

/** What a live query tells from a server-sent event; null for another one. @throws {HiqliteError} `invalid` */
export function liveEventOf({ event, id, data }: ServerEvent):
  | LiveEvent
  | null {
  if (event !== "rows") return null;
  const { columns, rows } = data as QueryResult;
  const result = { columns, rows: rowsFromJson(rows) };
  return { kind: "rows", ...parseLivePosition(id, "id"), result };
}
