import { createHash } from "node:crypto";
import * as fs from "node:fs";
import { join } from "node:path";
import { HiqliteError } from "../../errors.ts";
import { describeParent, findDenied } from "../../util/access.ts";
import { findExposed } from "../../util/exposure.ts";
import { replaceFile, syncPath } from "../../util/durable_file.ts";
import { foundNoRoom } from "../../util/no_room.ts";
import {
  commitReplacement,
  dropUnfinishedReplacement,
  finishReplacement,
} from "./replacement.ts";
import type { Configuration, MemberId, NodeId } from "../../raft/types.ts";

/**
 * - `new`: has never been in a cluster;
 * - `forming`: is named in the first configuration, its log may still be empty;
 * - `joining`: came (back) to an existing cluster with nothing, and asks to be made a member;
 * - `member`: has a log that it must never lose. If it is gone, the member has forgotten
 *   promises and must come back under a new incarnation.
 */
export type Phase = "new" | "forming" | "joining" | "member";

/** The last start of another member that this one heard of. */
export interface Witnessed {
  readonly member: MemberId;
  /** How often it had been started on its volume. */
  readonly boot: number;
  /** Drawn at that start. */
  readonly process: string;
}

/** What a member has of a group beside the durable one on its disk. */
export interface KeptLife {
  /** See `HostedMark.mark`; drawn when it gave up what it had. */
  readonly mark: string;
  /** The epoch whose log it must never lose under this mark; 0 for none. */
  readonly epoch: number;
}

/** What a member knows of itself before it opens its log. Durable before its first message. */
export interface Identity {
  readonly nodeId: NodeId;
  /** 16 hex digits, drawn when the volume was new. */
  readonly incarnation: string;
  /** How often the member was started on this volume; see witness.ts. */
  readonly boot: number;
  /** Drawn at each of the last starts, 16 hex digits, the present one last. */
  readonly starts: readonly string[];
  /** Empty until the member belongs to a cluster. */
  readonly clusterId: string;
  /** The first configuration, of a member that helped to form the cluster. */
  readonly founding: Configuration | null;
  /** How far the member is; see {@linkcode Phase}. */
  readonly phase: Phase;
  /** Addresses of nodes that were added at run time, by node id. */
  readonly addresses: Readonly<
    Record<string, { readonly raft: string; readonly api: string }>
  >;
  /** What the others' volumes said last, by node id: an old one put back while all were down says less. */
  readonly witnessed?: Readonly<Record<NodeId, Witnessed>>;
  /** Groups beside the durable one that are kept on the disk, by their names; a group that is missing has nothing yet. */
  readonly following?: Readonly<Record<string, KeptLife>>;
  /** What was found damaged while it ran, to be looked into at the next start. */
  readonly damaged?: string;
  /** The backup that its data was begun with, as it was asked for by `HQL_BACKUP_RESTORE`: it is restored once. */
  readonly restored?: string;
  /**
   * The volume was in use and its identity is gone: it can join a cluster, never
   * form one, since that would pass off an empty database as the old one.
   */
  readonly forgot?: boolean;
}

/** What a data directory says of whose it is. */
export type FoundIdentity =
  | { readonly kind: "intact"; readonly identity: Identity }
  | { readonly kind: "missing" }
  | { readonly kind: "damaged"; readonly problem: string };

/** The file's name in the data directory. */
export const IDENTITY_FILE = "identity.json";
/** The log's folder. */
export const LOGS = "logs";
/** The database's folder. */
export const STATE = "state_machine";

const QUARANTINE = "quarantine";
/** Older ones are removed. */
const QUARANTINES_KEPT = 2;
const LOCK = "lock";
const VERSION = 2;
/** Of so many starts it is known which ones they were. */
const STARTS_KEPT = 16;

/** The member id of an identity. */
export function memberIdOf(identity: Identity): MemberId {
  return `${identity.nodeId}.${identity.incarnation}`;
}

/** The id of the present start. */
export function startIdOf({ starts }: Identity): string {
  return starts.at(-1)!;
}

/** What a member has of a group: by default nothing, under the mark that its volume has. */
export function keptLifeOf(
  { incarnation, following }: Identity,
  group: string,
): KeptLife {
  return following?.[group] ?? { mark: incarnation, epoch: 0 };
}

/** The identity of a member that keeps something else of a group. */
export function withKeptLife(
  identity: Identity,
  group: string,
  life: KeptLife,
): Identity {
  return { ...identity, following: { ...identity.following, [group]: life } };
}

/** 64 random bits, hex. */
export function drawId(): string {
  return crypto.getRandomValues(new Uint8Array(8)).toHex();
}

/** A fresh identity for an empty volume. */
export function newIdentity(nodeId: NodeId): Identity {
  return {
    nodeId,
    incarnation: drawId(),
    boot: 0,
    starts: [drawId()],
    clusterId: "",
    founding: null,
    phase: "new",
    addresses: {},
  };
}

/** Whoever lives on after a member gave up what it had: a node in the same place, that knows the same of the others. */
export function newIncarnation(identity: Identity): Identity {
  const { nodeId, clusterId, addresses, witnessed, restored } = identity;
  return {
    ...newIdentity(nodeId),
    clusterId,
    addresses,
    ...(restored === undefined ? {} : { restored }),
    ...(witnessed === undefined ? {} : { witnessed }),
    ...(clusterId === "" ? { forgot: true } : { phase: "joining" }),
  };
}

/** The identity of a member that is started once more on its volume. */
export function startedAgain(identity: Identity): Identity {
  const { boot, starts } = identity;
  return {
    ...identity,
    boot: boot + 1,
    starts: [...starts, drawId()].slice(-STARTS_KEPT),
  };
}

/** The folder of one member: private, and used by one process at a time. */
export class DataDir {
  readonly path: string;
  /** Why others might have written what is in it, though it is a volume of its own; null if they cannot. */
  readonly exposure: string | null;
  readonly #lock: Deno.FsFile;

  private constructor(
    path: string,
    lock: Deno.FsFile,
    exposure: string | null,
  ) {
    this.path = path;
    this.exposure = exposure;
    this.#lock = lock;
  }

  /**
   * Creates the folder (mode 0700) if needed and locks it.
   * @throws {HiqliteError} `storage` if it cannot be used, others can write to it, or another process uses it.
   */
  static async open(path: string): Promise<DataDir> {
    await makeFolder(path);
    const exposed = findExposed(path);
    if (exposed?.volume === false) throw unusable(path, exposed.problem);
    let lock: Deno.FsFile;
    try {
      lock = await Deno.open(join(path, LOCK), {
        create: true,
        write: true,
        mode: 0o600,
      });
    } catch (error) {
      const reason = findDenied(path, [LOCK]) ?? (error as Error).message;
      throw unusable(path, reason, error);
    }
    const locked = await lock.tryLock(true).catch((error) => {
      lock.close();
      throw unusable(path, (error as Error).message, error);
    });
    if (!locked) {
      lock.close();
      throw new HiqliteError(
        "storage",
        `The data directory ${path} is in use by another process: stop it, or choose another data_dir`,
      );
    }
    // Not before: to open and close a database that is in use here would drop its locks.
    const denied = findDenied(path, [IDENTITY_FILE, LOGS, STATE]);
    if (denied !== null) {
      lock.close();
      throw unusable(path, denied);
    }
    const dir = new DataDir(path, lock, exposed?.problem ?? null);
    try {
      dir.#settleReplacement();
    } catch (error) {
      lock.close();
      throw new HiqliteError(
        "storage",
        `What was restored into ${path} cannot be put in its place: ${
          (error as Error).message
        }. Mend that and start again: nothing is lost`,
        { cause: error },
      );
    }
    return dir;
  }

  /** Puts what was prepared beside it in the place of what is here, which moves to `quarantine/`. */
  replace(now: Date): void {
    commitReplacement(this.path, now);
    this.#settleReplacement();
  }

  /** A replacement that counts is finished, one that does not is dropped. */
  #settleReplacement(): void {
    dropUnfinishedReplacement(this.path);
    const names = [LOGS, STATE, IDENTITY_FILE];
    if (finishReplacement(this.path, names, QUARANTINE)) {
      this.#shortenQuarantine();
    }
  }

  /** Gives the folder up. */
  close(): void {
    this.#lock.close();
  }

  /**
   * The identity kept here; of any node if `nodeId` is null.
   * @throws {HiqliteError} `storage` if the file cannot be read, or belongs to another node id or a newer release.
   */
  loadIdentity(nodeId: NodeId | null): FoundIdentity {
    const file = join(this.path, IDENTITY_FILE);
    let text: string;
    try {
      text = fs.readFileSync(file, "utf8");
    } catch (error) {
      const { code, message } = error as Error & { code?: string };
      if (code === "ENOENT") return { kind: "missing" };
      throw new HiqliteError("storage", `${file} cannot be read: ${message}`, {
        cause: error,
      });
    }
    const body = bodyOf(text);
    if (body === null) {
      return {
        kind: "damaged",
        problem: `${file} does not match its checksum`,
      };
    }
    const { version, ...identity } = JSON.parse(body) as Identity & {
      version: number;
    };
    if (version !== VERSION) {
      throw new HiqliteError(
        "storage",
        `${file} has format version ${version}: start a release that knows it`,
      );
    }
    if (nodeId !== null && identity.nodeId !== nodeId) {
      throw new HiqliteError(
        "storage",
        `The data directory ${this.path} belongs to node ${identity.nodeId}, not to node ${nodeId}: check node_id and data_dir`,
      );
    }
    return { kind: "intact", identity };
  }

  /**
   * Replaces the identity, atomically and durably.
   * @throws {HiqliteError} `disk_full`, `storage`.
   */
  saveIdentity(identity: Identity): void {
    const body = JSON.stringify({ version: VERSION, ...identity });
    const text = JSON.stringify({ sha256: sha256(body), body }) + "\n";
    const file = join(this.path, IDENTITY_FILE);
    try {
      replaceFile(file, text);
    } catch (error) {
      const { message } = error as Error;
      const full = foundNoRoom(error);
      throw new HiqliteError(
        full ? "disk_full" : "storage",
        `${file} cannot be written: ${message}${
          full ? ". Make room on its disk" : ""
        }`,
        { cause: error },
      );
    }
  }

  /** Whether something of this name is in the folder. */
  has(name: string): boolean {
    return fs.existsSync(join(this.path, name));
  }

  /** Removes what never held anything. */
  discard(names: readonly string[]): void {
    for (const name of names) {
      fs.rmSync(join(this.path, name), { recursive: true, force: true });
    }
    syncPath(this.path);
  }

  /**
   * Moves damaged state aside, so that the member can come back as a new
   * incarnation and an operator can still look at what was there. Of all that was
   * ever moved the newest two are kept.
   */
  quarantine(
    names: readonly string[],
    now: Date,
  ): { readonly kept: string; readonly removed: readonly string[] } {
    const stamp = now.toISOString().replaceAll(/[:.]/g, "-");
    const target = join(this.path, QUARANTINE, stamp);
    fs.mkdirSync(target, { recursive: true, mode: 0o700 });
    for (const name of names) {
      const from = join(this.path, name);
      if (fs.existsSync(from)) fs.renameSync(from, join(target, name));
    }
    syncPath(this.path);
    return { kept: target, removed: this.#shortenQuarantine() };
  }

  #shortenQuarantine(): string[] {
    const folder = join(this.path, QUARANTINE);
    if (!fs.existsSync(folder)) return [];
    const old = fs.readdirSync(folder).sort().slice(0, -QUARANTINES_KEPT)
      .map((name) => join(folder, name));
    for (const path of old) fs.rmSync(path, { recursive: true });
    return old;
  }
}

async function makeFolder(path: string): Promise<void> {
  try {
    await Deno.mkdir(path, { recursive: true, mode: 0o700 });
  } catch (error) {
    const reason = error instanceof Deno.errors.PermissionDenied
      ? `it cannot be made: ${describeParent(path)}`
      : error instanceof Deno.errors.AlreadyExists
      ? "it is not a folder"
      : (error as Error).message;
    throw unusable(path, reason, error);
  }
}

/** The error of a data directory that a member cannot work in. */
export function unusable(
  path: string,
  reason: string,
  cause?: unknown,
): HiqliteError {
  return new HiqliteError(
    "storage",
    `The data directory ${path} cannot be used: ${reason}. Nothing was changed`,
    { cause },
  );
}

/** What the file says, if it is what was once written. */
function bodyOf(text: string): string | null {
  try {
    const { sha256: expected, body } = JSON.parse(text);
    return sha256(body) === expected ? body : null;
  } catch {
    return null;
  }
}

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
