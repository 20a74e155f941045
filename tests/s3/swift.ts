import { CreateBucketCommand, S3Client } from "@aws-sdk/client-s3";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { freePorts } from "../ports.ts";
import type { S3Access } from "./access.ts";

/** What Debian's packages for this bring, and how they are installed. */
export const SWIFT_PROGRAMS: readonly string[] = [
  "swift-proxy-server",
  "swift-account-server",
  "swift-container-server",
  "swift-object-server",
  "swift-ring-builder",
  "memcached",
];
/** Debian's packages of these programs. */
export const SWIFT_PACKAGES =
  "swift-proxy swift-account swift-container swift-object memcached";

const START_MS = 120_000;
const STOP_MS = 10_000;
const BUCKET = "backups";

const SWIFT_CONF = `[swift-hash]
swift_hash_path_suffix = test
swift_hash_path_prefix = test
[storage-policy:0]
name = one
default = yes
`;

/** The servers that keep something, with the section of the ring that finds them. */
const KEEPERS = ["account", "container", "object"] as const;

/** OpenStack Swift with its S3 API, one disk, on this machine: a real server, older and stricter than most. */
export class Swift implements AsyncDisposable {
  readonly #folder: string;
  readonly #nice: number;
  readonly #children: Deno.ChildProcess[] = [];
  readonly #ports = freePorts(5);

  private constructor(folder: string, nice: number) {
    this.#folder = folder;
    this.#nice = nice;
  }

  /**
   * Starts it in a new folder, with an empty bucket. Needs the right to mount, since Swift reads /etc/swift. For those who
   * measure others: `nice`, how much it stands back behind them, 0 to 19; `dir`, where its folder is (a temporary one).
   */
  static async start(
    { nice = 0, dir }: { readonly nice?: number; readonly dir?: string } = {},
  ): Promise<Swift> {
    const folder = await Deno.makeTempDir({
      prefix: "hiqlite-s3-",
      ...dir === undefined ? {} : { dir },
    });
    const swift = new Swift(folder, nice);
    try {
      await swift.#begin();
    } catch (error) {
      await swift[Symbol.asyncDispose]();
      throw error;
    }
    return swift;
  }

  /** Where it is, and who may ask. */
  get access(): S3Access {
    return {
      url: `http://127.0.0.1:${this.#ports[4]}`,
      bucket: BUCKET,
      region: "us-east-1",
      key: "test:tester",
      secret: "testing123",
    };
  }

  /** The ids of its processes. */
  get pids(): readonly number[] {
    return this.#children.map(({ pid }) => pid);
  }

  /** Ends all of it and removes what it kept. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#children.map(stop));
    await Deno.remove(this.#folder, { recursive: true });
  }

  async #begin(): Promise<void> {
    for (const name of ["etc", "logs", "srv/d1"]) {
      await Deno.mkdir(join(this.#folder, name), { recursive: true });
    }
    await Deno.writeTextFile(join(this.#folder, "etc/swift.conf"), SWIFT_CONF);
    const [memcached, ...keepers] = this.#ports;
    this.#spawn("memcached", [
      ...["-u", "root", "-l", "127.0.0.1", "-p", `${memcached}`],
    ]);
    await Promise.all(
      KEEPERS.map((kind, at) => this.#ring(kind, keepers[at]!)),
    );
    for (const [at, kind] of KEEPERS.entries()) {
      this.#serve(kind, keeperConf(kind, keepers[at]!, this.#folder));
    }
    // The proxy asks no more for a minute of a server that it did not find.
    await Promise.all([memcached!, ...keepers.slice(0, 3)].map(listening));
    this.#serve("proxy", proxyConf(this.#ports[4]!, memcached!));
    await this.#createBucket();
  }

  async #ring(kind: string, port: number): Promise<void> {
    const file = join(this.#folder, "etc", `${kind}.builder`);
    for (
      const args of [
        ["create", "4", "1", "1"],
        ["add", `r1z1-127.0.0.1:${port}/d1`, "1"],
        ["rebalance"],
      ]
    ) {
      const { success, stderr } = await new Deno.Command("swift-ring-builder", {
        args: [file, ...args],
        stdout: "null",
      }).output();
      if (!success) throw new Error(new TextDecoder().decode(stderr));
    }
  }

  #serve(kind: string, conf: string): void {
    const path = join(this.#folder, "etc", `${kind}.conf`);
    Deno.writeTextFileSync(path, conf);
    // Where its configuration has to be, but for it alone.
    const here = 'mount --bind "$1" /etc/swift && shift && exec "$@"';
    this.#spawn("unshare", [
      ...["--mount", "sh", "-c", here, "sh", join(this.#folder, "etc")],
      `swift-${kind}-server`,
      path,
    ]);
  }

  #spawn(program: string, args: readonly string[]): void {
    const child = new Deno.Command("nice", {
      args: ["-n", `${this.#nice}`, program, ...args],
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const log = join(this.#folder, "logs", `${child.pid}`);
    const write = { append: true, create: true } as const;
    for (const stream of [child.stdout, child.stderr]) {
      void Deno.open(log, write).then((file) => stream.pipeTo(file.writable))
        .catch(() => {});
    }
    this.#children.push(child);
  }

  /** Its processes listen by and by; the first bucket shows that all of them do. */
  async #createBucket(): Promise<void> {
    const { url, region, key, secret } = this.access;
    const client = new S3Client({
      endpoint: url,
      region,
      credentials: { accessKeyId: key, secretAccessKey: secret },
      forcePathStyle: true,
      maxAttempts: 1,
    });
    const deadline = performance.now() + START_MS;
    let reason: unknown = "";
    while (performance.now() < deadline) {
      try {
        await client.send(new CreateBucketCommand({ Bucket: BUCKET }));
        client.destroy();
        return;
      } catch (error) {
        reason = error;
      }
      await sleep(200);
    }
    throw new Error(
      `Swift does not answer after ${START_MS} ms: ${reason}\n${this.#logs()}`,
    );
  }

  /** What its processes said last. */
  #logs(): string {
    const folder = join(this.#folder, "logs");
    return [...Deno.readDirSync(folder)].map(({ name }) =>
      `${name}: ${Deno.readTextFileSync(join(folder, name)).slice(-1000)}`
    ).join("\n");
  }
}

/** Waits until somebody listens on a port. */
async function listening(port: number): Promise<void> {
  const deadline = performance.now() + START_MS;
  while (performance.now() < deadline) {
    try {
      return (await Deno.connect({ hostname: "127.0.0.1", port })).close();
    } catch {
      await sleep(100);
    }
  }
  throw new Error(`nobody listens on port ${port} after ${START_MS} ms`);
}

/** Asks a process to end, and does not ask twice. */
async function stop(child: Deno.ChildProcess): Promise<void> {
  const signal = (name: Deno.Signal): void => {
    try {
      child.kill(name);
    } catch {
      // It has ended.
    }
  };
  signal("SIGTERM");
  const late = setTimeout(() => signal("SIGKILL"), STOP_MS);
  await child.status;
  clearTimeout(late);
}

function keeperConf(kind: string, port: number, folder: string): string {
  return `[DEFAULT]
bind_ip = 127.0.0.1
bind_port = ${port}
user = root
devices = ${join(folder, "srv")}
mount_check = false
workers = 0
log_name = ${kind}
[pipeline:main]
pipeline = ${kind}-server
[app:${kind}-server]
use = egg:swift#${kind}
`;
}

function proxyConf(port: number, memcached: number): string {
  const filters = [
    ...["catch_errors", "gatekeeper", "listing_formats", "bulk"],
    ...["copy", "slo", "dlo", "symlink"],
  ];
  return `[DEFAULT]
bind_ip = 127.0.0.1
bind_port = ${port}
user = root
workers = 0
[pipeline:main]
pipeline = catch_errors gatekeeper cache listing_formats bulk s3api tempauth copy slo dlo symlink proxy-server
[app:proxy-server]
use = egg:swift#proxy
account_autocreate = true
node_timeout = 60
conn_timeout = 10
[filter:cache]
use = egg:swift#memcache
memcache_servers = 127.0.0.1:${memcached}
[filter:s3api]
use = egg:swift#s3api
s3_acl = false
location = us-east-1
[filter:tempauth]
use = egg:swift#tempauth
user_test_tester = testing123 .admin
${
    filters.map((name) => `[filter:${name}]\nuse = egg:swift#${name}\n`).join(
      "",
    )
  }`;
}
