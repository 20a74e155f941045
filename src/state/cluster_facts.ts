import {
  decodeConfiguration,
  encodeConfiguration,
} from "../raft/configuration.ts";
import type { Configuration, MemberId, Term } from "../raft/types.ts";
import {
  type ByteReader,
  type ByteWriter,
  MalformedBytesError,
} from "../util/bytes.ts";
import { FIRST_LEVEL, LEVELS } from "./level.ts";

/**
 * Who may vote in an epoch: sets of voters, of which one is in force, or two while the group goes from one to the
 * other. The group's leader adds a set before its members can vote; see decision 46.
 */
export interface VoterSets {
  /** Grows by one with each change. */
  readonly number: number;
  /** The term of the leader that said so. */
  readonly term: Term;
  readonly sets: readonly (readonly MemberId[])[];
}

/** One life of a group whose membership follows the durable group's. */
export interface Epoch {
  /** Grows by one with each life, from 1. */
  readonly number: number;
  /** Who begins it. */
  readonly founding: Configuration;
  /** Left out while only its founders may vote. */
  readonly voters?: VoterSets;
}

/** Who may vote in an epoch. */
export function voterSetsOf({ founding, voters }: Epoch): VoterSets {
  return voters ?? { number: 0, term: 0, sets: [founding.voters] };
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
    /** The number of the {@linkcode VoterSets} of the present one that it follows from. @default any */
    readonly after?: number;
  }
  | {
    readonly kind: "voters";
    readonly group: number;
    /** The present epoch. */
    readonly epoch: number;
    /** The next ones of it. */
    readonly voters: VoterSets;
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
const VOTERS_CHANGE = 3;

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
  return change.kind === "epoch"
    ? begunEpoch(facts, change)
    : changedVoters(facts, change);
}

function begunEpoch(
  facts: ClusterFacts,
  { group, epoch, after }: Extract<FactChange, { kind: "epoch" }>,
): ClusterFacts | string {
  const present = facts.epochs.get(group);
  const number = present?.number ?? 0;
  if (epoch.number !== number + 1) {
    return `group ${group} is in epoch ${number}, it cannot begin epoch ${epoch.number}`;
  }
  if (after !== undefined && present !== undefined) {
    const voters = voterSetsOf(present);
    if (voters.number !== after) {
      return `the voters of group ${group} changed ${voters.number} times, not ${after}`;
    }
  }
  return withEpoch(facts, group, epoch);
}

function changedVoters(
  facts: ClusterFacts,
  { group, epoch, voters }: Extract<FactChange, { kind: "voters" }>,
): ClusterFacts | string {
  const present = facts.epochs.get(group);
  if (present?.number !== epoch) {
    return `group ${group} is in epoch ${
      present?.number ?? 0
    }, its voters in epoch ${epoch} cannot change`;
  }
  const { number, term } = voterSetsOf(present);
  return voters.number === number + 1 && voters.term >= term
    ? withEpoch(facts, group, { ...present, voters })
    : `the voters of group ${group} changed ${number} times, last in term ${term}: this is change ${voters.number}, of term ${voters.term}`;
}

function withEpoch(
  facts: ClusterFacts,
  group: number,
  epoch: Epoch,
): ClusterFacts {
  return { ...facts, epochs: new Map(facts.epochs).set(group, epoch) };
}

/** Appends a change, the body of a `fact` envelope. */
export function writeFactChange(writer: ByteWriter, change: FactChange): void {
  if (change.kind === "level") {
    writer.u8(LEVEL_CHANGE).u32(change.level).text(change.release);
  } else if (change.kind === "epoch") {
    writer.u8(EPOCH_CHANGE).u32(change.group);
    writer.u53(change.after === undefined ? 0 : change.after + 1);
    writeEpoch(writer, change.epoch);
  } else {
    writer.u8(VOTERS_CHANGE).u32(change.group).u53(change.epoch);
    writeVoterSets(writer, change.voters);
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
    case EPOCH_CHANGE: {
      const group = reader.u32();
      const after = reader.u53();
      const epoch = readEpoch(reader);
      return {
        kind: "epoch",
        group,
        epoch,
        ...(after === 0 ? {} : { after: after - 1 }),
      };
    }
    case VOTERS_CHANGE:
      return {
        kind: "voters",
        group: reader.u32(),
        epoch: reader.u53(),
        voters: readVoterSets(reader),
      };
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

function writeEpoch(
  writer: ByteWriter,
  { number, founding, voters }: Epoch,
): void {
  writer.u53(number).bytes(encodeConfiguration(founding));
  writer.u8(voters === undefined ? 0 : 1);
  if (voters !== undefined) writeVoterSets(writer, voters);
}

function readEpoch(reader: ByteReader): Epoch {
  const number = reader.u53();
  const founding = decodeConfiguration(reader.bytes());
  const said = reader.u8();
  if (said > 1) throw new MalformedBytesError(`unknown shape of epoch ${said}`);
  return {
    number,
    founding,
    ...(said === 0 ? {} : { voters: readVoterSets(reader) }),
  };
}

function writeVoterSets(
  writer: ByteWriter,
  { number, term, sets }: VoterSets,
): void {
  writer.u53(number).u53(term).u32(sets.length);
  for (const voters of sets) {
    writer.u32(voters.length);
    for (const voter of voters) writer.text(voter);
  }
}

function readVoterSets(reader: ByteReader): VoterSets {
  const number = reader.u53();
  const term = reader.u53();
  const sets = Array.from(
    { length: countOf(reader) },
    () => Array.from({ length: countOf(reader) }, () => reader.text()),
  );
  return { number, term, sets };
}

/** Whatever is counted takes four bytes at least. */
function countOf(reader: ByteReader): number {
  const count = reader.u32();
  if (count * 4 <= reader.remaining) return count;
  throw new MalformedBytesError(`${count} voters or sets, and too few bytes`);
}
