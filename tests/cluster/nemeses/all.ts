import { type Random, randomBetween } from "../../../src/util/random.ts";
import { clockNemesis } from "./clock.ts";
import { DISK_NEMESES } from "./disk.ts";
import { MEMBERSHIP_NEMESES } from "./membership.ts";
import { conflict, happened, type NemesisKind, together } from "./nemesis.ts";
import { POWER_NEMESES } from "./power.ts";
import { PARTITION_NEMESES } from "./partition.ts";
import { PROCESS_NEMESES } from "./process.ts";

/** No fault at all: what fails here is not the faults' doing. */
const none: NemesisKind = {
  name: "none",
  create: () => ({
    start: () => Promise.resolve(happened("nothing")),
    stop: () => Promise.resolve(),
  }),
};

/** All single kinds. */
export const NEMESES: readonly NemesisKind[] = [
  none,
  ...PROCESS_NEMESES,
  ...PARTITION_NEMESES,
  ...MEMBERSHIP_NEMESES,
  ...DISK_NEMESES,
  ...POWER_NEMESES,
  clockNemesis,
];

/** Their names. */
export const NEMESIS_NAMES: readonly string[] = NEMESES.map(({ name }) => name);

/** Of a pair that can be under way at the same time, a majority of those who vote must remember. */
function mayMeet(a: NemesisKind, b: NemesisKind, members: number): boolean {
  if (conflict(a, b) !== "") return false;
  const forgets = a.destructive || b.destructive;
  return !(members < 5 && forgets && (a.takesVotes || b.takesVotes));
}

/** So many different pairs of faults that `members` members can stand, drawn at random. */
export function drawPairs(
  count: number,
  random: Random,
  members: number,
): string[] {
  const pairs = new Set<string>();
  const kinds = NEMESES.filter((kind) => kind !== none);
  const possible = kinds.length * (kinds.length - 1) / 4;
  while (pairs.size < Math.min(count, possible)) {
    const [a, b] = [random, random].map((each) =>
      kinds[randomBetween(each, 0, kinds.length)]!
    ) as [NemesisKind, NemesisKind];
    if (!mayMeet(a, b, members)) continue;
    if (kinds.indexOf(a) < kinds.indexOf(b)) pairs.add(`${a.name}+${b.name}`);
  }
  return [...pairs];
}

/** The kind with this name, or several joined by `+`. @throws {RangeError} for unknown names, and for those that cannot meet. */
export function nemesisNamed(name: string): NemesisKind {
  const kinds = name.split("+").map((part) => {
    const kind = NEMESES.find((each) => each.name === part);
    if (kind !== undefined) return kind;
    throw new RangeError(
      `no nemesis "${part}", there are ${NEMESIS_NAMES.join(", ")}`,
    );
  });
  return kinds.reduce((a, b) => {
    const reason = conflict(a, b);
    if (reason !== "") throw new RangeError(`${name} ${reason}`);
    return together(a, b);
  });
}
