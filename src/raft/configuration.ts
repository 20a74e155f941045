import { ByteReader, ByteWriter, MalformedBytesError } from "../util/bytes.ts";
import type { Configuration, MemberId } from "./types.ts";

const FORMAT = 1;
const LISTS = [
  "voters",
  "votersOutgoing",
  "learners",
  "learnersNext",
] as const;

/** The payload of a configuration entry. */
export function encodeConfiguration(config: Configuration): Uint8Array {
  const writer = new ByteWriter().u8(FORMAT);
  for (const name of LISTS) {
    writer.u32(config[name].length);
    for (const member of config[name]) writer.text(member);
  }
  return writer.finish();
}

/**
 * Reads what {@linkcode encodeConfiguration} wrote.
 * @throws {MalformedBytesError} on anything else, also on unsorted or contradictory lists.
 */
export function decodeConfiguration(bytes: Uint8Array): Configuration {
  const reader = new ByteReader(bytes);
  const format = reader.u8();
  if (format !== FORMAT) {
    throw new MalformedBytesError(`unknown configuration format ${format}`);
  }
  const voters = readMembers(reader);
  const votersOutgoing = readMembers(reader);
  const learners = readMembers(reader);
  const learnersNext = readMembers(reader);
  reader.end();
  const config = { voters, votersOutgoing, learners, learnersNext };
  const problem = configurationProblem(config);
  if (problem !== null) throw new MalformedBytesError(problem);
  return config;
}

function readMembers(reader: ByteReader): MemberId[] {
  const count = reader.u32();
  if (count * 4 > reader.remaining) {
    throw new MalformedBytesError(`${count} members do not fit`);
  }
  const members: MemberId[] = [];
  for (let i = 0; i < count; i++) {
    const member = reader.text();
    if (i > 0 && member <= members[i - 1]!) {
      throw new MalformedBytesError(`members not sorted at ${member}`);
    }
    members.push(member);
  }
  return members;
}

/** What contradicts the rules of {@linkcode Configuration}, or null. */
export function configurationProblem(config: Configuration): string | null {
  const { voters, votersOutgoing, learners, learnersNext } = config;
  for (const learner of learners) {
    if (voters.includes(learner) || votersOutgoing.includes(learner)) {
      return `${learner} is voter and learner`;
    }
  }
  for (const next of learnersNext) {
    if (!votersOutgoing.includes(next) || voters.includes(next)) {
      return `${next} is to become a learner without being an outgoing voter`;
    }
  }
  return null;
}

/** Whether two majorities decide. */
export function isJoint(config: Configuration): boolean {
  return config.votersOutgoing.length > 0;
}

/** Whether the member's vote counts, in either list while joint. */
export function isVoter(config: Configuration, member: MemberId): boolean {
  return config.voters.includes(member) ||
    config.votersOutgoing.includes(member);
}

/** Whether the member gets the log. */
export function isMember(config: Configuration, member: MemberId): boolean {
  return isVoter(config, member) || config.learners.includes(member);
}

/** Everyone whose vote counts, sorted. */
export function votersOf(config: Configuration): readonly MemberId[] {
  if (!isJoint(config)) return config.voters;
  return sorted([...config.voters, ...config.votersOutgoing]);
}

/** Everyone who gets the log, sorted. */
export function membersOf(config: Configuration): readonly MemberId[] {
  return sorted([
    ...config.voters,
    ...config.votersOutgoing,
    ...config.learners,
  ]);
}

/** The configuration that ends a joint one. */
export function leaveJoint(config: Configuration): Configuration {
  return {
    voters: config.voters,
    votersOutgoing: [],
    learners: sorted([...config.learners, ...config.learnersNext]),
    learnersNext: [],
  };
}

/** Each member once, in the order in which configurations list members. */
export function sorted(members: Iterable<MemberId>): MemberId[] {
  return [...new Set(members)].sort();
}
