import { join } from "node:path";
import { type Random, randomBetween } from "../../../src/util/random.ts";
import { poll, type TestCluster } from "../harness.ts";
import type { Node } from "../network.ts";
import { SMALL_DISKS } from "../requirements.ts";
import { SmallDisk } from "../small_disk.ts";
import { drawNode, happened, type NemesisKind } from "./nemesis.ts";
import { OwnDisks } from "./own_disks.ts";

/** A member that had its disk changed must be well again in this time, ms. */
const HEAL_MS = 60_000;

/** Size of a member's disk where it can fill up, MB. */
const SMALL_DISK_MB = 256;

/** Whose disk is damaged in a round. */
const damaged = new WeakMap<TestCluster, Node>();

/** The same member all round: damage may be found much later, and must not meet that of another one. */
function sameMember(cluster: TestCluster, random: Random): Node {
  const node = damaged.get(cluster) ?? drawNode(cluster, random);
  damaged.set(cluster, node);
  return node;
}

/**
 * Takes a member down, does something to its folder, and starts it again. Its children go with it: one that
 * lives a moment longer closes its database, and removes a file under the hand that changes the folder.
 */
function damage(
  name: string,
  change: (folder: string, random: Random) => Promise<string>,
  draw: (cluster: TestCluster, random: Random) => Node,
): NemesisKind {
  return {
    name,
    destructive: true,
    create: (cluster, random) => {
      let victim: Node | undefined;
      return {
        start: async () => {
          victim = draw(cluster, random);
          await cluster.killWithChildren(victim);
          const what = await change(cluster.dataDir(victim), random);
          await cluster.startMember(victim);
          return happened(`${victim}: ${what}`);
        },
        stop: () => cluster.waitReady([victim!], HEAL_MS),
      };
    },
  };
}

async function filesIn(folder: string): Promise<string[]> {
  const found: string[] = [];
  for await (const { name, isFile, isDirectory } of Deno.readDir(folder)) {
    if (isDirectory) found.push(...await filesIn(join(folder, name)));
    else if (isFile) found.push(join(folder, name));
  }
  return found.sort();
}

/** A file that holds something, and how much of it: the zeros at the end of a preallocated file do not count. */
async function drawFile(
  folder: string,
  random: Random,
): Promise<{ readonly path: string; readonly used: number }> {
  const files = await Promise.all(
    (await filesIn(folder)).map(async (path) => ({
      path,
      used: (await Deno.readFile(path)).findLastIndex((byte) => byte !== 0) + 1,
    })),
  );
  // What the member itself has set aside, or makes anew at every start, proves nothing.
  const filled = files.filter(({ path, used }) =>
    used > 0 && !path.includes("/quarantine/") && !path.endsWith("-shm")
  );
  return filled[randomBetween(random, 0, filled.length)]!;
}

async function wipe(folder: string): Promise<string> {
  for (const file of await filesIn(folder)) await Deno.remove(file);
  return "volume wiped";
}

async function flipBits(folder: string, random: Random): Promise<string> {
  const { path, used } = await drawFile(folder, random);
  using file = await Deno.open(path, { read: true, write: true });
  const offset = randomBetween(random, 0, used);
  const byte = new Uint8Array(1);
  await file.seek(offset, Deno.SeekMode.Start);
  await file.read(byte);
  byte[0]! ^= 1 << randomBetween(random, 0, 8);
  await file.seek(offset, Deno.SeekMode.Start);
  await file.write(byte);
  return `bit flipped in ${path.slice(folder.length + 1)} at ${offset}`;
}

async function truncate(folder: string, random: Random): Promise<string> {
  const { path, used } = await drawFile(folder, random);
  const { size } = await Deno.stat(path);
  const length = randomBetween(random, 0, used);
  await Deno.truncate(path, length);
  return `${path.slice(folder.length + 1)} cut from ${size} to ${length} bytes`;
}

/** The member works on; then what is on its disk is exchanged for a copy made before. */
const oldVolume: NemesisKind = {
  name: "old-volume",
  destructive: true,
  create: (cluster, random) => {
    let victim: Node | undefined;
    return {
      start: async () => {
        victim = drawNode(cluster, random);
        await cluster.killWithChildren(victim);
        await copy(cluster.dataDir(victim), copyPath(cluster, victim));
        await cluster.startMember(victim);
        return happened(`copied the volume of ${victim}`);
      },
      stop: async () => {
        await cluster.killWithChildren(victim!);
        const folder = cluster.dataDir(victim!);
        // The folder itself stays: a disk may be mounted there.
        await empty(folder);
        await copy(copyPath(cluster, victim!), folder);
        await Deno.remove(copyPath(cluster, victim!), { recursive: true });
        const forgot = await forgetful(cluster, victim!);
        await cluster.startMember(victim!);
        // Before it is replaced its memory is lost: with another volume that would be one too many.
        if (forgot !== null) await waitReplaced(cluster, victim!, forgot);
        await cluster.waitReady([victim!], HEAL_MS);
      },
    };
  },
};

/** What a test looks at in `identity.json`. */
interface Volume {
  readonly incarnation: string;
  readonly boot: number;
  readonly witnessed?: Readonly<
    Record<string, { readonly member: string; readonly boot: number }>
  >;
}

async function volumeOf(cluster: TestCluster, node: Node): Promise<Volume> {
  const path = join(cluster.dataDir(node), "identity.json");
  return JSON.parse(JSON.parse(await Deno.readTextFile(path)).body);
}

/** The member on the volume that was put back, if another one remembers a later start of it: so it took part meanwhile; else null. */
async function forgetful(
  cluster: TestCluster,
  victim: Node,
): Promise<string | null> {
  const { incarnation, boot } = await volumeOf(cluster, victim);
  const member = `${victim}.${incarnation}`;
  for (const node of cluster.nodes.filter((node) => node !== victim)) {
    const seen = (await volumeOf(cluster, node)).witnessed?.[victim];
    if (seen?.member === member && seen.boot > boot) return member;
  }
  return null;
}

async function waitReplaced(
  cluster: TestCluster,
  node: Node,
  member: string,
): Promise<void> {
  await poll(`member ${member} to be replaced`, HEAL_MS, async () => {
    const answer = await cluster.api(node).cluster(1000);
    return answer.type === "ok" && answer.value.self !== member;
  });
}

function copyPath(cluster: TestCluster, node: Node): string {
  return join(cluster.root, `old-${node}`);
}

async function copy(from: string, to: string): Promise<void> {
  await Deno.mkdir(to, { recursive: true, mode: 0o700 });
  for await (const { name, isDirectory, isFile } of Deno.readDir(from)) {
    if (isDirectory) await copy(join(from, name), join(to, name));
    // Sockets are no data.
    else if (isFile) await Deno.copyFile(join(from, name), join(to, name));
  }
}

async function empty(folder: string): Promise<void> {
  for (const { name } of await Array.fromAsync(Deno.readDir(folder))) {
    await Deno.remove(join(folder, name), { recursive: true });
  }
}

const smallDisks = new OwnDisks<SmallDisk>();

/** A disk of its own for every member (in memory), which is filled to the last byte and emptied again. */
const fullDisk: NemesisKind = {
  name: "full-disk",
  ownDisk: true,
  requires: [SMALL_DISKS],
  prepare: (cluster) =>
    smallDisks.give(
      cluster,
      (folder) => SmallDisk.mount(folder, SMALL_DISK_MB),
    ),
  create: (cluster, random) => {
    let victim: Node | undefined;
    return {
      start: async () => {
        victim = drawNode(cluster, random);
        await smallDisks.of(cluster, victim).fill();
        return happened(`disk of ${victim} full`);
      },
      stop: async () => {
        await smallDisks.of(cluster, victim!).clear();
        // Whether it lived through it or ended, it must work when there is room.
        await cluster.startMember(victim!);
      },
    };
  },
};

/** Faults of disks. */
export const DISK_NEMESES: readonly NemesisKind[] = [
  damage("wiped-volume", wipe, drawNode),
  damage("bit-flip", flipBits, sameMember),
  damage("truncation", truncate, sameMember),
  oldVolume,
  fullDisk,
];
