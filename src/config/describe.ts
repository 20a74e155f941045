import { randomSecret } from "./secrets.ts";
import type { Setting } from "./setting.ts";
import { SETTINGS } from "./settings.ts";

const NODES_ABOUT =
  "The members: id, Raft address and API address of each, one a line.";

/** A configuration file with fresh random secrets, every default spelled out, and what is given by its key in place of its default. */
export function generateToml(
  given: Readonly<Record<string, unknown>> = {},
): string {
  const lines = [
    "# Configuration of a member of a Hiqlite cluster. Environment variables win",
    "# over this file. It holds secrets: keep it readable by its owner only.",
    "",
    "[hiqlite]",
    "# Which of `nodes` this member is (HQL_NODE_ID). In a Kubernetes StatefulSet use",
    '# node_id_from = "k8s" (HQL_NODE_ID_FROM): the ordinal in the host name plus one.',
    "node_id = 1",
    "",
    `# ${NODES_ABOUT} (HQL_NODES)`,
    "nodes = [",
    '    "1 localhost:8100 localhost:8200",',
    "]",
    "",
    '# A TOML file whose [hiqlite] table holds the secrets set to "$SECRETS" here. (HQL_SECRETS_FILE)',
    '#secrets_file = "secrets.toml"',
  ];
  for (const setting of Object.values(SETTINGS) as Setting<unknown>[]) {
    lines.push("", ...wrapped(`${setting.about} (${setting.env})`, "# "));
    if (Object.hasOwn(given, setting.toml)) {
      lines.push(`${setting.toml} = ${JSON.stringify(given[setting.toml])}`);
    } else if (setting.secret && setting.fallback === undefined) {
      lines.push(`${setting.toml} = "${randomSecret()}"`);
    } else if (setting.fallback === undefined) {
      lines.push(`# default: ${setting.fallbackText}`);
      lines.push(`#${setting.toml} = "127.0.0.1"`);
    } else {
      const { fallback } = setting;
      // What has parts is written as a text.
      const hasParts = typeof fallback === "object" && !Array.isArray(fallback);
      const value = hasParts ? setting.fallbackText : fallback;
      lines.push(`#${setting.toml} = ${JSON.stringify(value)}`);
    }
  }
  return `${lines.join("\n")}\n`;
}

/** Every variable with what it does and its default, for `--help` and the README. */
export function describeVariables(): readonly {
  readonly env: string;
  readonly toml: string;
  readonly fallback: string;
  readonly about: string;
}[] {
  const structural = [
    row("HQL_NODE_ID", "node_id", "1 if alone", "Which node this member is."),
    row(
      "HQL_NODE_ID_FROM",
      "node_id_from",
      "–",
      "`k8s`: the ordinal in the host name plus one.",
    ),
    row(
      "HQL_NODES",
      "nodes",
      "1 127.0.0.1:8100 127.0.0.1:8200",
      NODES_ABOUT,
    ),
    row(
      "HQL_SECRETS_FILE",
      "secrets_file",
      "–",
      "A TOML file with the secrets that are set to `$SECRETS`.",
    ),
  ];
  const plain = (Object.values(SETTINGS) as Setting<unknown>[]).map((setting) =>
    row(setting.env, setting.toml, setting.fallbackText, setting.about)
  );
  return [...structural, ...plain];
}

function row(
  env: string,
  toml: string,
  fallback: string,
  about: string,
): { env: string; toml: string; fallback: string; about: string } {
  return { env, toml, fallback, about };
}

/** Breaks text into lines of at most 80 columns, each behind `prefix`. */
export function wrapped(text: string, prefix: string): string[] {
  const lines: string[] = [];
  let line = prefix;
  for (const word of text.split(" ")) {
    if (line !== prefix && line.length + 1 + word.length > 80) {
      lines.push(line);
      line = prefix;
    }
    line += line === prefix ? word : ` ${word}`;
  }
  lines.push(line);
  return lines;
}
