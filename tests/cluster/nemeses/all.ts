import { type Random, randomBetween } from "../../../src/util/random.ts";
import { clockNemesis } from "./clock.ts";
import { DISK_NEMESES } from "./disk.ts";
import { MEMBERSHIP_NEMESES } from "./membership.ts";
import { type NemesisKind, together } from "./nemesis.ts";
import { POWER_NEMESES } from "./power.ts";
import { PARTITION_NEMESES } from "./partition.ts";
import { PROCESS_NEMESES } from "./process.ts";

/** No fault at all: what fails here is not the faults' doing. */
const none: NemesisKind = {
  name: "none",
  create: () => ({
    start: () => Promise.resolve("nothing"),
    stop: () => Promise.resolve(),
  }),
};

const KINDS: readonly NemesisKind[] = [
  none,
  ...PROCESS_NEMESES,
  ...PARTITION_NEMESES,
  ...MEMBERSHIP_NEMESES,
  ...DISK_NEMESES,
  ...POWER_NEMESES,
  clockNemesis,
];

/** Names of all single kinds. */
export const NEMESIS_NAMES: readonly string[] = KINDS.map(({ name }) => name);

/** At most one of a pair damages a disk, or brings one; a majority of those who vote must remember, and be up where a fault waits for it. */
function mayMeet(a: NemesisKind, b: NemesisKind, members: number): boolean {
  if (a.destructive && b.destructive || a.ownDisk && b.ownDisk) return false;
  const down = /^(kill-majority|kill-all|power-cut-all)$/;
  if (a.needsMajority && down.test(b.name)) return false;
  if (b.needsMajority && down.test(a.name)) return false;
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
  const kinds = KINDS.filter((kind) => kind !== none);
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

/** The kind with this name, or two joined by `+`. @throws {RangeError} for unknown names. */
export function nemesisNamed(name: string): NemesisKind {
  const kinds = name.split("+").map((part) => {
    const kind = KINDS.find((each) => each.name === part);
    if (kind !== undefined) return kind;
    throw new RangeError(
      `no nemesis "${part}", there are ${NEMESIS_NAMES.join(", ")}`,
    );
  });
  if (kinds.filter(({ destructive }) => destructive).length > 1) {
    throw new RangeError(`${name} would damage two disks at once`);
  }
  if (kinds.filter(({ ownDisk }) => ownDisk).length > 1) {
    throw new RangeError(`${name} would mount two disks at the same place`);
  }
  return kinds.reduce(together);
}
