import {
  describeFlags,
  type Flag,
  parseFlags,
  UnknownCommandError,
  UsageError,
  valueOf,
} from "../arguments.ts";
import type { Terminal } from "../terminal.ts";
import { alertRules } from "./alerts.ts";
import { composeFile } from "./compose.ts";
import { grafanaDashboard } from "./grafana.ts";
import { kubernetesManifests } from "./kubernetes.ts";
import { systemdUnit } from "./systemd.ts";

/** Where images are published. */
const IMAGE = "hiqlite/hiqlite:latest";

const FLAGS: Readonly<Record<string, Flag>> = {
  nodes: { value: "n", about: "Members, 1 to 9 (k8s, docker-compose) [3]" },
  image: { value: "image", about: `Image (k8s, docker-compose) [${IMAGE}]` },
  name: { value: "name", about: "Of everything (k8s) [hiqlite]" },
  namespace: { value: "name", about: "Namespace (k8s) [hiqlite]" },
  storage: { value: "size", about: "Of each volume (k8s) [1Gi]" },
  binary: {
    value: "path",
    about: "The program (systemd) [/usr/local/bin/hiqlite]",
  },
  "config-file": {
    short: "c",
    value: "path",
    about: "Its configuration (systemd) [/etc/hiqlite/hiqlite.toml]",
  },
  help: { short: "h", about: "Show this" },
};

/** Which flags a kind of text takes. */
const TAKES: Readonly<Record<string, readonly string[]>> = {
  k8s: ["nodes", "image", "name", "namespace", "storage"],
  systemd: ["binary", "config-file"],
  "docker-compose": ["nodes", "image"],
  grafana: [],
  alerts: [],
};

/** The help of `hiqlite generate`. */
export function generateHelp(): string[] {
  return [
    "Usage: hiqlite generate <command> [options]",
    "",
    "Print what runs members elsewhere, and what watches them. Secrets are made",
    "anew each time.",
    "",
    "Commands:",
    "  k8s              Manifests for Kubernetes: pipe them to kubectl apply -f -",
    "  systemd          A unit",
    "  docker-compose   A file for docker compose",
    "  grafana          A dashboard to import into Grafana",
    "  alerts           Rules for Prometheus",
    "",
    "Options:",
    ...describeFlags(FLAGS),
  ];
}

/** Prints a text. */
export function generate(
  args: readonly string[],
  terminal: Terminal,
): Promise<number> {
  const { flags, positionals: [kind, unexpected] } = parseFlags(args, FLAGS);
  if (kind === undefined) throw new UsageError("A command is missing");
  if (!Object.hasOwn(TAKES, kind)) {
    throw new UnknownCommandError("generate", kind);
  }
  if (unexpected !== undefined) {
    throw new UsageError(`Unexpected argument '${unexpected}'`);
  }
  for (const name of flags.keys()) {
    if (TAKES[kind]!.includes(name)) continue;
    throw new UsageError(`generate ${kind} has no option --${name}`);
  }
  const word = (name: string, fallback: string): string => {
    const value = valueOf(flags, name) ?? fallback;
    if (/^[\w./:@-]+$/.test(value)) return value;
    throw new UsageError(
      `--${name}: letters, digits and . / : @ - _ can stand there, not '${value}'`,
    );
  };
  for (const line of textOf(kind, word)) terminal.out(line);
  return Promise.resolve(0);
}

function textOf(
  kind: string,
  word: (name: string, fallback: string) => string,
): string[] {
  if (kind === "grafana") return grafanaDashboard();
  if (kind === "alerts") return alertRules();
  if (kind === "systemd") {
    return systemdUnit(
      word("binary", "/usr/local/bin/hiqlite"),
      word("config-file", "/etc/hiqlite/hiqlite.toml"),
    );
  }
  const nodes = nodesOf(word("nodes", "3"));
  const image = word("image", IMAGE);
  if (kind === "docker-compose") return composeFile(image, nodes);
  return kubernetesManifests({
    nodes,
    image,
    name: label("name", word("name", "hiqlite")),
    namespace: label("namespace", word("namespace", "hiqlite")),
    storage: word("storage", "1Gi"),
  });
}

function nodesOf(text: string): number {
  if (/^[1-9]$/.test(text)) return Number(text);
  throw new UsageError(`--nodes is a number from 1 to 9, not '${text}'`);
}

/** Names of things in Kubernetes are labels (RFC 1123), and shorter by what is put behind them. */
function label(flag: string, text: string): string {
  if (/^[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?$/.test(text)) return text;
  throw new UsageError(
    `--${flag}: up to 40 letters a to z, digits and '-', not '${text}'`,
  );
}
