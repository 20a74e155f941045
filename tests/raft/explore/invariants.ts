/** The properties of the paper's figure 3, of the world after a step of one member. */
import assert from "node:assert/strict";
import type { Entry, MemberId } from "../../../src/raft/types.ts";
import { printEntry } from "./print.ts";
import { BASE, type Member, type World } from "./world.ts";

/** What the world knows of leaders and commitment after a step of `who`. */
export function checked(
  world: World,
  who: number,
): Pick<World, "leaders" | "committed"> {
  const member = world.members[who]!;
  const committed = stateMachineSafety(world, member);
  const leaders = electionSafety(world, `${who + 1}`, member);
  leaderCompleteness(committed, `${who + 1}`, member);
  logMatching(world, member);
  onMajorityOfDisks(world, committed);
  return { leaders, committed };
}

function stateMachineSafety(
  world: World,
  { core, log }: Member,
): readonly Entry[] {
  let { committed } = world;
  for (let i = 0; i < core.commit - BASE; i++) {
    const known = committed[i];
    if (known === undefined) committed = [...committed, log[i]!];
    else assertSame(log[i]!, known, "state machine safety");
  }
  return committed;
}

function electionSafety(
  { leaders }: World,
  id: MemberId,
  { core }: Member,
): World["leaders"] {
  if (core.role !== "leader") return leaders;
  const known = leaders[core.term];
  assert.ok(
    known === undefined || known === id,
    `election safety: ${known}, ${id}`,
  );
  return { ...leaders, [core.term]: id };
}

function leaderCompleteness(
  committed: readonly Entry[],
  id: MemberId,
  { core, log }: Member,
): void {
  if (core.role !== "leader") return;
  for (const [i, entry] of committed.entries()) {
    if (entry.term >= core.term) continue;
    assert.ok(
      has(log, i, entry),
      `leader completeness: ${id} lacks ${i + 1 + BASE}`,
    );
  }
}

function logMatching({ members }: World, { log }: Member): void {
  for (const other of members) {
    let agree = false;
    for (let i = Math.min(log.length, other.log.length) - 1; i >= 0; i--) {
      if (log[i]!.term === other.log[i]!.term) agree = true;
      if (agree) assertSame(log[i]!, other.log[i]!, "log matching");
    }
  }
}

function onMajorityOfDisks(
  { members }: World,
  committed: readonly Entry[],
): void {
  for (const [i, entry] of committed.entries()) {
    const copies = members.filter(({ disk }) => has(disk, i, entry)).length;
    assert.ok(copies * 2 > members.length, `entry ${i + 1 + BASE} is lost`);
  }
}

function has(log: readonly Entry[], at: number, entry: Entry): boolean {
  const found = log[at];
  return found !== undefined && printEntry(found) === printEntry(entry);
}

function assertSame(entry: Entry, known: Entry, property: string): void {
  assert.equal(printEntry(entry), printEntry(known), property);
}
