import type { LivePosition, LogPlace } from "../node/port.ts";
import type { LogIndex } from "../raft/types.ts";
import { invalid } from "./json.ts";

/** A place in the log as text: the cluster's id and an index. */
export function placeText({ history, index }: LogPlace): string {
  return `${history}-${index}`;
}

/** What {@linkcode placeText} wrote, or an index alone. @throws {HiqliteError} `invalid` */
export function parsePlace(text: string, path: string): LogPlace | LogIndex {
  const [, history, digits] =
    /^(?:([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})-)?(\d{1,16})$/.exec(
      text,
    ) ?? [];
  const index = Number(digits);
  if (Number.isSafeInteger(index)) {
    return history === undefined ? index : { history, index };
  }
  throw invalid(
    path,
    `expected an index, or the position of a change, got "${
      text.slice(0, 80)
    }"`,
  );
}

/** What a live query told, as text. */
export function livePositionText({ place, hash }: LivePosition): string {
  return `${placeText(place)}-${hash}`;
}

/** What {@linkcode livePositionText} wrote. @throws {HiqliteError} `invalid` */
export function parseLivePosition(text: string, path: string): LivePosition {
  const [, front, hash] = /^(.+)-([0-9a-f]{32})$/.exec(text) ?? [];
  const place = front === undefined ? 0 : parsePlace(front, path);
  if (typeof place === "object") return { place, hash: hash! };
  throw invalid(
    path,
    `expected the id of an event of a live query, got "${text.slice(0, 100)}"`,
  );
}
