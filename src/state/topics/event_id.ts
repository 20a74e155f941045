import type { LogIndex } from "../../raft/types.ts";
import { invalidInput } from "../wrong_input.ts";

/** Hex digits of an epoch. */
const EPOCH_DIGITS = 12;

/** A place in the events of a cluster: everything up to the event of this number was told. */
export interface EventPlace {
  /** The history that it is a place in; see {@linkcode epochOf}. */
  readonly epoch: string;
  /** An entry that is applied wherever the place is known. */
  readonly index: LogIndex;
  /** The number of the event; see `Published`. */
  readonly number: number;
}

/** Names the history that events are of: the beginning of the cluster's id, which `cluster recover` changes. */
export function epochOf(clusterId: string): string {
  return clusterId.replaceAll("-", "").slice(0, EPOCH_DIGITS);
}

/** A place as people and programs keep it: `<epoch>-<index>-<number>`. */
export function eventId({ epoch, index, number }: EventPlace): string {
  return `${epoch}-${index}-${number}`;
}

/**
 * Reads what {@linkcode eventId} wrote.
 * @throws {HiqliteError} `invalid`, beginning with `where`, for anything else.
 */
export function parseEventId(text: string, where: string): EventPlace {
  const [, epoch, index, number] =
    /^([0-9a-f]{12})-(\d{1,16})-(\d{1,16})$/.exec(text) ?? [];
  const place = {
    epoch: epoch ?? "",
    index: Number(index),
    number: Number(number),
  };
  if (
    Number.isSafeInteger(place.index) && Number.isSafeInteger(place.number)
  ) return place;
  throw invalidInput(
    `${where}: expected the id of an event, <12 hex digits>-<index>-<number>, got ${
      JSON.stringify(text.slice(0, 60))
    }`,
  );
}
