import { fileURLToPath } from "node:url";
import { run } from "../cluster/command.ts";
import { MemberProcess } from "../cluster/member_process.ts";
import type { NetnsNetwork } from "../cluster/netns.ts";
import { at, type Yaml } from "./yaml.ts";

const CLI = fileURLToPath(new URL("../../cli.ts", import.meta.url));
const CONFIG = fileURLToPath(new URL("../../deno.json", import.meta.url));

/**
 * Makes a root file system with a folder /app of its own on top of this machine's, and begins the
 * container in it under this process's id: `root`, host name, hosts file, program, then source and target of each mount, "--", the command.
 */
const CONTAINER = `set -e
root=$1 name=$2 hosts=$3 program=$4; shift 4
hostname "$name"
mount -t tmpfs tmpfs "$root"
for each in /*; do
  target=$root$each
  if [ -L "$each" ]; then cp -P "$each" "$target"
  elif [ -d "$each" ] && [ "$each" != /app ]; then mkdir "$target"; mount --rbind "$each" "$target"; fi
done
mkdir "$root/app"
cp "$program" "$root/app/hiqlite"
mount --bind "$hosts" "$root/etc/hosts"
while [ "$1" != -- ]; do
  if [ -d "$1" ]; then mkdir -p "$root$2"; else : > "$root$2"; fi
  mount --bind "$1" "$root$2"; shift 2
done; shift
cd "$root/app"
exec chroot "$root" sh -c 'cd /app; exec "$@"' sh "$@"
`;

/** Where a pod runs, and what Kubernetes would give it. */
export interface PodOptions {
  /** Its number in the network. */
  readonly node: number;
  /** Its host name. */
  readonly name: string;
  /** The template of its StatefulSet or Deployment. */
  readonly template: Yaml;
  readonly secrets: Readonly<Record<string, string>>;
  /** What is mounted of a volume: its folder, or a file for a `subPath`. */
  readonly mounts: Readonly<Record<string, string>>;
}

/** What all pods share. */
export interface Pods {
  readonly network: NetnsNetwork;
  /** A folder of the test's. */
  readonly root: string;
  /** The names that are known, with their addresses. */
  readonly hosts: Readonly<Record<string, string>>;
}

/** Starts the container of a pod: a network, a host name, files and an environment of its own, as its manifest says. */
export async function startPod(
  { network, root, hosts }: Pods,
  { node, name, template, secrets, mounts }: PodOptions,
): Promise<MemberProcess> {
  const container = at(template, "spec", "containers", 0);
  const environment: Record<string, string> = {};
  for (const entry of at(container, "env") as readonly Yaml[]) {
    const key = at(entry, "valueFrom", "secretKeyRef", "key") as string;
    environment[at(entry, "name") as string] = secrets[key]!;
  }
  const mounted = (at(container, "volumeMounts") as readonly Yaml[])
    .flatMap((mount) => [
      mounts[at(mount, "name") as string]!,
      at(mount, "mountPath") as string,
    ]);
  const { command = ["/app/hiqlite", "serve"] } = container as {
    readonly command?: readonly string[];
  };
  const folder = `${root}/${name}`;
  await Deno.mkdir(`${folder}/root`, { recursive: true });
  const known = Object.entries({ ...hosts, localhost: "127.0.0.1" });
  await Deno.writeTextFile(
    `${folder}/hosts`,
    known.map(([host, address]) => `${address} ${host}\n`).join(""),
  );
  await Deno.writeTextFile(`${folder}/program`, program(), { mode: 0o755 });
  return new MemberProcess({
    argv: network.command(node, [
      ...["unshare", "--mount", "--uts", "sh", "-c", CONTAINER, "sh"],
      ...[`${folder}/root`, name, `${folder}/hosts`, `${folder}/program`],
      ...mounted,
      "--",
      ...command,
    ]),
    logPath: `${root}/${name}.log`,
    environment,
  });
}

/** In place of the compiled program of an image. Kubernetes' environment has nothing of this machine's, so it is said here. */
function program(): string {
  const own = ["HOME", "DENO_DIR"].flatMap((name) => {
    const value = Deno.env.get(name);
    return value === undefined ? [] : [`export ${name}='${value}'`];
  });
  const args = ["--no-prompt", "--cached-only", "--quiet"]
    .concat(
      ["net", "env", "sys", "run", "read", "write"].map((right) =>
        `--allow-${right}`
      ),
    );
  return [
    "#!/bin/sh",
    ...own,
    // The death of the tests ends a member.
    'if [ "$1" = serve ]; then set -- "$@" --until-stdin-ends; fi',
    `exec '${Deno.execPath()}' run ${
      args.join(" ")
    } --config='${CONFIG}' '${CLI}' "$@" --log-format=json`,
    "",
  ].join("\n");
}

/** Makes a container, to see whether this machine allows it. @throws {Error} with what it does not allow. */
export async function attemptContainer(): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await run([
      ...["unshare", "--mount", "--uts", "sh", "-c", CONTAINER, "sh"],
      ...[folder, "pod", "/etc/hosts", "/bin/true", "--", "/app/hiqlite"],
    ]);
  } finally {
    await Deno.remove(folder);
  }
}
