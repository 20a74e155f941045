import {
  decodeConfiguration,
  encodeConfiguration,
} from "../raft/configuration.ts";
import type { Configuration } from "../raft/types.ts";
import {
  type ByteReader,
  type ByteWriter,
  MalformedBytesError,
} from "../util/bytes.ts";
import { FIRST_LEVEL, LEVELS } from "./level.ts";

/** One life of a group whose membership follows the durable group's. */
export interface Epoch {
  /** Grows by one with each life, from 1. */
  readonly number: number;
  /** Who begins it. */
  readonly founding: Configuration;
}

/** What the durable group knows of its cluster as a whole. Only entries change it, so it is the same on every member. */
export interface ClusterFacts {
  /** The feature level that entries may need; see `level.ts`. */
  readonly level: number;
  /** The release that introduced the level, to be named where it is missing. */
  readonly release: string;
  /** The present epoch of each following group, by the group's number. */
  readonly epochs: ReadonlyMap<number, Epoch>;
}

/** A change of one fact. It says what it changes from, so that of two only one takes effect. */
export type FactChange =
  | {
    readonly kind: "level";
    /** The next level. */
    readonly level: number;
    readonly release: string;
  }
  | {
    readonly kind: "epoch";
    readonly group: number;
    /** The next epoch. */
    readonly epoch: Epoch;
  };

/** What a new cluster begins with. */
export const FIRST_FACTS: ClusterFacts = {
  level: FIRST_LEVEL,
  release: LEVELS[0]!,
  epochs: new Map(),
};

/** Why who knows levels up to `known` cannot read what members write, or null. */
export function tooOld(
  { level, release }: ClusterFacts,
  known: number,
  who: string,
): string | null {
  return known >= level
    ? null
    : `the cluster is at feature level ${level}, ${who} knows ${known}: start release ${release} or newer on it`;
}

const LEVEL_CHANGE = 1;
const EPOCH_CHANGE = 2;

/** The facts after a change, or why it has no effect. */
export function changedFacts(
  facts: ClusterFacts,
  change: FactChange,
): ClusterFacts | string {
  if (change.kind === "level") {
    const { level, release } = change;
    return level === facts.level + 1
      ? { ...facts, level, release }
      : `the feature level is ${facts.level}, it cannot become ${level}`;
  }
  const { group, epoch } = change;
  const present = facts.epochs.get(group)?.number ?? 0;
  return epoch.number === present + 1
    ? { ...facts, epochs: new Map(facts.epochs).set(group, epoch) }
    : `group ${group} is in epoch ${present}, it cannot begin epoch ${epoch.number}`;
}

/** Appends a change, the body of a `fact` envelope. */
export function writeFactChange(writer: ByteWriter, change: FactChange): void {
  if (change.kind === "level") {
    writer.u8(LEVEL_CHANGE).u32(change.level).text(change.release);
  } else {
    writer.u8(EPOCH_CHANGE).u32(change.group);
    writeEpoch(writer, change.epoch);
  }
}

/**
 * Reads what {@linkcode writeFactChange} wrote.
 * @throws {MalformedBytesError} for anything else.
 */
export function readFactChange(reader: ByteReader): FactChange {
  const kind = reader.u8();
  switch (kind) {
    case LEVEL_CHANGE:
      return { kind: "level", level: reader.u32(), release: reader.text() };
    case EPOCH_CHANGE:
      return { kind: "epoch", group: reader.u32(), epoch: readEpoch(reader) };
    default:
      throw new MalformedBytesError(`unknown fact ${kind}`);
  }
}

/** Appends all facts: what a state machine stores. */
export function writeFacts(writer: ByteWriter, facts: ClusterFacts): void {
  writer.u32(facts.level).text(facts.release).u32(facts.epochs.size);
  for (const group of [...facts.epochs.keys()].sort((a, b) => a - b)) {
    writer.u32(group);
    writeEpoch(writer, facts.epochs.get(group)!);
  }
}

/**
 * Reads what {@linkcode writeFacts} wrote.
 * @throws {MalformedBytesError} for anything else.
 */
export function readFacts(reader: ByteReader): ClusterFacts {
  const level = reader.u32();
  const release = reader.text();
  const epochs = new Map<number, Epoch>();
  const count = reader.u32();
  for (let i = 0; i < count; i++) epochs.set(reader.u32(), readEpoch(reader));
  return { level, release, epochs };
}

function writeEpoch(writer: ByteWriter, { number, founding }: Epoch): void {
  writer.u53(number).bytes(encodeConfiguration(founding));
}

function readEpoch(reader: ByteReader): Epoch {
  const number = reader.u53();
  return { number, founding: decodeConfiguration(reader.bytes()) };
}
