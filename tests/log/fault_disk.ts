import {
  type Disk,
  type DiskDone,
  DiskError,
  type DiskFile,
} from "../../src/log/disk.ts";

/** What happened to a {@linkcode FaultDisk}, in order; replayed to see what a crash leaves. */
type Operation =
  | { kind: "create"; name: string; node: Node }
  | { kind: "remove"; name: string }
  | { kind: "write"; node: Node; position: number; bytes: Uint8Array }
  /** Makes the node's writes among the first `upTo` operations durable. */
  | { kind: "sync"; node: Node; upTo: number }
  | { kind: "syncDirectory"; upTo: number };

/** A file, whatever its name. */
class Node {
  bytes = new Uint8Array(0);

  write(bytes: Uint8Array, position: number): void {
    const end = position + bytes.length;
    if (end > this.bytes.length) {
      const grown = new Uint8Array(end);
      grown.set(this.bytes);
      this.bytes = grown;
    }
    this.bytes.set(bytes, position);
  }
}

/** Whether this sector (or name change, as sector 0) of an operation that was not synced survives. */
export type Survives = (operation: number, sector: number) => boolean;

const SECTOR = 512;

/** A disk in memory that records all it is told to do and can show what any crash would leave of it. */
export class FaultDisk implements Disk {
  readonly path = "fault-disk";
  readonly #files = new Map<string, Node>();
  readonly #operations: Operation[] = [];
  readonly #queue: (() => void)[] = [];
  /** Room for all files together, bytes. */
  capacity = Infinity;
  /** Asked before each operation; an error it returns is what the operation fails with. */
  fault: (operation: string, name: string) => DiskError | null = () => null;
  /** When operations complete; by default at the next {@linkcode run}. */
  defer: (step: () => void) => void = (step) => this.#queue.push(step);
  /** Completed syncs of files. */
  syncs = 0;

  /** Operations so far. */
  get length(): number {
    return this.#operations.length;
  }

  /** Completes what is under way, and what that starts, oldest first. */
  run(): void {
    for (let step; (step = this.#queue.shift()) !== undefined;) step();
  }

  /** Completes the oldest operation under way; false if there is none. */
  runOne(): boolean {
    const step = this.#queue.shift();
    step?.();
    return step !== undefined;
  }

  /** Forgets what is under way, as the death of the process does. */
  kill(): void {
    this.#queue.length = 0;
  }

  /** What is in a file, to look at or to damage. */
  content(name: string): Uint8Array {
    return this.#files.get(name)!.bytes;
  }

  /** Cuts a file. */
  truncate(name: string, size: number): void {
    const node = this.#files.get(name)!;
    node.bytes = node.bytes.slice(0, size);
  }

  /** A disk with the same files, all durable. */
  copy(): FaultDisk {
    const disk = new FaultDisk();
    for (const [name, { bytes }] of this.#files) disk.#put(name, bytes.slice());
    return disk;
  }

  /** What a crash after the first `count` operations leaves. */
  crash(count: number, survives: Survives): FaultDisk {
    const done = this.#operations.slice(0, count);
    const synced = new Map<Node, number>();
    let directory = 0;
    for (const operation of done) {
      if (operation.kind === "sync") {
        const upTo = synced.get(operation.node) ?? 0;
        synced.set(operation.node, Math.max(upTo, operation.upTo));
      } else if (operation.kind === "syncDirectory") {
        directory = Math.max(directory, operation.upTo);
      }
    }
    const names = new Map<string, Node>();
    const copies = new Map<Node, Node>();
    for (const [i, operation] of done.entries()) {
      if (operation.kind === "create" || operation.kind === "remove") {
        if (i >= directory && !survives(i, 0)) continue;
        if (operation.kind === "create") {
          names.set(operation.name, operation.node);
        } else {
          names.delete(operation.name);
        }
      } else if (operation.kind === "write") {
        const { node, position, bytes } = operation;
        const copy = copies.get(node) ?? new Node();
        copies.set(node, copy);
        if (i < (synced.get(node) ?? 0)) copy.write(bytes, position);
        else writeSectors(copy, bytes, position, (s) => survives(i, s));
      }
    }
    const disk = new FaultDisk();
    for (const [name, node] of names) {
      disk.#put(name, copies.get(node)?.bytes ?? new Uint8Array(0));
    }
    return disk;
  }

  list(): string[] {
    this.#check("list", this.path);
    return [...this.#files.keys()];
  }

  open(name: string): DiskFile {
    this.#check("open", name);
    const node = this.#files.get(name);
    if (!node) throw new DiskError("missing", `open ${name}: ENOENT`);
    return this.#handle(name, node);
  }

  create(name: string): DiskFile {
    this.#check("create", name);
    const node = new Node();
    this.#files.set(name, node);
    this.#operations.push({ kind: "create", name, node });
    return this.#handle(name, node);
  }

  remove(name: string): void {
    this.#check("remove", name);
    if (!this.#files.delete(name)) {
      throw new DiskError("missing", `remove ${name}: ENOENT`);
    }
    this.#operations.push({ kind: "remove", name });
  }

  syncDirectory(done: DiskDone): void {
    const upTo = this.length;
    this.#later(done, "syncDirectory", this.path, () => {
      this.#operations.push({ kind: "syncDirectory", upTo });
    });
  }

  syncDirectoryNow(): void {
    this.#check("syncDirectory", this.path);
    this.#operations.push({ kind: "syncDirectory", upTo: this.length });
  }

  #put(name: string, bytes: Uint8Array): void {
    const file = this.create(name);
    file.write(bytes, 0);
    file.syncNow();
    this.syncDirectoryNow();
    this.syncs = 0;
  }

  #check(operation: string, name: string): void {
    const error = this.fault(operation, name);
    if (error !== null) throw error;
  }

  #later(
    done: DiskDone,
    operation: string,
    name: string,
    run: () => void,
  ): void {
    this.defer(() => {
      try {
        this.#check(operation, name);
        run();
      } catch (error) {
        return done(error as DiskError);
      }
      done(null);
    });
  }

  #write(node: Node, name: string, bytes: Uint8Array, position: number): void {
    this.#check("write", name);
    let used = Math.max(0, position + bytes.length - node.bytes.length);
    for (const { bytes } of this.#files.values()) used += bytes.length;
    const growth = position + bytes.length - node.bytes.length;
    if (growth > 0 && used > this.capacity) {
      throw new DiskError("full", `write ${name}: ENOSPC`);
    }
    node.write(bytes, position);
    this.#operations.push({
      kind: "write",
      node,
      position,
      bytes: bytes.slice(),
    });
  }

  #sync(node: Node, upTo: number): void {
    this.syncs++;
    this.#operations.push({ kind: "sync", node, upTo });
  }

  #handle(name: string, node: Node): DiskFile {
    return {
      name,
      size: () => node.bytes.length,
      write: (bytes, position) => this.#write(node, name, bytes, position),
      readNow: (target, position) => {
        this.#check("read", name);
        const part = node.bytes.subarray(position, position + target.length);
        target.set(part);
        return part.length;
      },
      read: (target, position, done) => {
        let count = 0;
        this.#later(
          (error) => done(error, count),
          "read",
          name,
          () => {
            const end = position + target.length;
            const part = node.bytes.subarray(position, end);
            target.set(part);
            count = part.length;
          },
        );
      },
      allocate: (size, done) => {
        this.#later(done, "allocate", name, () => {
          const from = node.bytes.length;
          if (size > from) {
            this.#write(node, name, new Uint8Array(size - from), from);
          }
          this.#sync(node, this.length);
        });
      },
      sync: (done) => {
        const upTo = this.length;
        this.#later(done, "sync", name, () => this.#sync(node, upTo));
      },
      syncNow: () => {
        this.#check("sync", name);
        this.#sync(node, this.length);
      },
      close: () => {},
    };
  }
}

function writeSectors(
  node: Node,
  bytes: Uint8Array,
  position: number,
  survives: (sector: number) => boolean,
): void {
  let at = 0;
  while (at < bytes.length) {
    const sector = Math.floor((position + at) / SECTOR);
    const end = Math.min(bytes.length, (sector + 1) * SECTOR - position);
    if (survives(sector)) node.write(bytes.subarray(at, end), position + at);
    at = end;
  }
}
