import { ConfigError } from "../errors.ts";
import { FOREIGN_KEYS, type ForeignKey } from "./foreign.ts";
import type { Setting } from "./setting.ts";
import { SETTINGS } from "./settings.ts";
import { closest, hiqliteTable } from "./tables.ts";
import { type Origin, parseValue, text } from "./value.ts";

/** Flags of the command line that stand for keys. */
export const FLAG_KEYS = [
  "node_id",
  "log_level",
  "log_format",
  "log_statements",
] as const;

/** One of {@linkcode FLAG_KEYS}. */
export type FlagKey = typeof FLAG_KEYS[number];

/** The raw texts of a configuration. */
export interface RawSources {
  /** The process environment; only `HQL_*`, `ENC_KEYS` and `ENC_KEY_ACTIVE` are looked at. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The file from which some of these variables are, and which it has. */
  readonly envFile?: {
    readonly path: string;
    readonly names: ReadonlySet<string>;
  };
  /** The text of the configuration file. */
  readonly toml?: string;
  /** Its path, for messages. @default {"hiqlite.toml"} */
  readonly tomlPath?: string;
  readonly flags?: { readonly [K in FlagKey]?: string };
  /** Reads the file that `secrets_file` names. */
  readonly readFile?: (path: string) => string;
  /** The mode of a file that others than its owner can read; null of one that they cannot. */
  readonly readableMode?: (path: string) => string | null;
}

/** A value that was set, and where it comes from. */
export interface RawSetting extends Origin {
  readonly value: unknown;
}

/** Keys read by resolve.ts on top of the plain ones: TOML name and variable. */
const STRUCTURAL_KEYS: readonly (readonly [string, string])[] = [
  ["node_id_from", "HQL_NODE_ID_FROM"],
  ["node_id", "HQL_NODE_ID"],
  ["nodes", "HQL_NODES"],
  ["secrets_file", "HQL_SECRETS_FILE"],
];

/** In place of a secret: take it from the secrets file. */
const FROM_SECRETS_FILE = "$SECRETS";

const PLAIN = Object.values(SETTINGS) as readonly Setting<unknown>[];
/** What a file calls each variable; an empty name: only the environment has it. */
const KEYS_BY_VARIABLE: ReadonlyMap<string, string> = new Map([
  ...STRUCTURAL_KEYS.map(([toml, name]) => [name, toml] as const),
  ...PLAIN.map((setting) => [setting.env, setting.toml] as const),
]);
const SECRET_KEYS: ReadonlySet<string> = new Set([
  ...PLAIN.filter((setting) => setting.secret).map((setting) => setting.toml),
]);

/**
 * Collects what is set, by TOML name; refuses unknown keys and keys whose
 * effect does not exist yet.
 */
export function readSources(
  sources: RawSources,
): {
  readonly settings: ReadonlyMap<string, RawSetting>;
  readonly notices: readonly string[];
} {
  const settings = new Map<string, RawSetting>();
  const notices: string[] = [];
  readToml(sources, settings, notices);
  readEnvironment(sources, settings, notices);
  for (const [key, value] of Object.entries(sources.flags ?? {})) {
    const flag = `--${key.replaceAll("_", "-")}`;
    settings.set(key, { key: flag, kind: "text", secret: false, value });
  }
  insertSecrets(sources, settings, notices);
  return { settings, notices };
}

function readToml(
  sources: RawSources,
  settings: Map<string, RawSetting>,
  notices: string[],
): void {
  if (sources.toml === undefined) return;
  const known = new Set(KEYS_BY_VARIABLE.values());
  const foreign = new Map(FOREIGN_KEYS.map((key) => [key.toml, key]));
  const path = sources.tomlPath ?? "hiqlite.toml";
  let holdsSecrets = false;
  for (const [key, value] of hiqliteTable(sources.toml, path)) {
    if (known.has(key)) {
      const secret = SECRET_KEYS.has(key);
      holdsSecrets ||= secret && value !== FROM_SECRETS_FILE;
      settings.set(key, { key, kind: "toml", secret, value });
      continue;
    }
    const ignored = key === "" ? undefined : foreign.get(key);
    if (ignored === undefined) {
      throw unknownKey(key, ` in ${path}`, [...known, ...foreign.keys()]);
    }
    checkForeign(ignored, key, String(value), notices);
  }
  if (holdsSecrets) noteReadable(sources, path, notices);
}

/** Warns of a file with secrets that others can read. Mounted ones often are so, and nobody else is there: it is no reason not to start. */
function noteReadable(
  { readableMode }: RawSources,
  path: string,
  notices: string[],
): void {
  const mode = readableMode?.(path) ?? null;
  if (mode === null) return;
  notices.push(
    `${path} holds secrets, and with its mode ${mode} others on this machine can read them: chmod 600 ${path}`,
  );
}

function readEnvironment(
  sources: RawSources,
  settings: Map<string, RawSetting>,
  notices: string[],
): void {
  const known = KEYS_BY_VARIABLE;
  const foreign = new Map(FOREIGN_KEYS.map((key) => [key.env, key]));
  for (const [name, value] of Object.entries(sources.env)) {
    if (value === undefined) continue;
    const toml = known.get(name);
    const ignored = foreign.get(name);
    if (toml !== undefined) {
      const secret = SECRET_KEYS.has(toml);
      settings.set(toml, { key: name, kind: "text", secret, value });
    } else if (ignored !== undefined) {
      if (value.trim() !== "") checkForeign(ignored, name, value, notices);
    } else if (name.startsWith("HQL_") && !fromElsewhere(name)) {
      throw unknownKey(name, "", [...known.keys(), ...foreign.keys()]);
    }
  }
  const { envFile } = sources;
  const holdsSecrets = [...known].some(([name, toml]) =>
    SECRET_KEYS.has(toml) && envFile?.names.has(name)
  );
  if (holdsSecrets) noteReadable(sources, envFile!.path, notices);
}

/** Variables with the prefix that are not settings: Kubernetes links to a service "hql", and the tests' own. */
function fromElsewhere(name: string): boolean {
  return /^HQL_(?:\w+_)?(?:SERVICE_(?:HOST|PORT)\w*|PORT(?:_\d+_(?:TCP|UDP)\w*)?)$/
    .test(name) || name.startsWith("HQL_TEST_");
}

function checkForeign(
  foreign: ForeignKey,
  key: string,
  value: string,
  notices: string[],
): void {
  if (foreign.harmless === "any") {
    notices.push(`${key} is set and has no effect in this version`);
  } else if (!foreign.harmless.includes(value.trim())) {
    throw new ConfigError(
      key,
      `has no effect here, and the start is refused rather than the setting ignored: remove it; ${foreign.instead}`,
    );
  }
}

function unknownKey(
  key: string,
  where: string,
  known: readonly string[],
): ConfigError {
  // Some keys of a file are called otherwise than their variables.
  const meant = KEYS_BY_VARIABLE.get(`HQL_${key.toUpperCase()}`) ||
    closest(key, known.filter((name) => name !== ""));
  return new ConfigError(
    key,
    `unknown key${where}${
      meant === undefined ? "" : `; did you mean ${meant}?`
    }`,
  );
}

/** Puts the secrets file's values in place of `$SECRETS`. */
function insertSecrets(
  sources: RawSources,
  settings: Map<string, RawSetting>,
  notices: string[],
): void {
  const wanting = [...SECRET_KEYS].map((key) => [key, settings.get(key)])
    .filter((pair): pair is [string, RawSetting] =>
      (pair[1] as RawSetting | undefined)?.value === FROM_SECRETS_FILE
    );
  if (wanting.length === 0) return;
  const file = settings.get("secrets_file");
  if (file === undefined) {
    throw new ConfigError(
      wanting[0]![1].key,
      "is $SECRETS, and no secrets_file (HQL_SECRETS_FILE) is set",
    );
  }
  const pathType = text("a path", (path) => path === "" ? undefined : path);
  const path = parseValue(pathType, file.value, file);
  const table = hiqliteTable(readSecretsFile(sources, file.key, path), path);
  noteReadable(sources, path, notices);
  for (const [key, setting] of wanting) {
    if (!table.has(key)) {
      throw new ConfigError(
        setting.key,
        `is $SECRETS, and ${path} has no ${key}`,
      );
    }
    settings.set(key, {
      key: `${key} in ${path}`,
      kind: "toml",
      secret: true,
      value: table.get(key),
    });
  }
}

function readSecretsFile(
  sources: RawSources,
  key: string,
  path: string,
): string {
  if (sources.readFile === undefined) {
    throw new ConfigError(key, "cannot be read here");
  }
  try {
    return sources.readFile(path);
  } catch (cause) {
    const error = new ConfigError(
      key,
      `cannot read ${path}: ${cause instanceof Error ? cause.message : cause}`,
    );
    error.cause = cause;
    throw error;
  }
}
