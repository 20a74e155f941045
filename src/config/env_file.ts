import { ConfigError } from "../errors.ts";

/** A line that sets a variable of ours: such a file is no TOML, whose keys are in lower case. */
const VARIABLE = /^\s*(?:export\s+)?(?:HQL_\w+|ENC_KEYS|ENC_KEY_ACTIVE)\s*=/m;

/** Whether a configuration is a list of variables, as Hiqlite's `config` in Kubernetes, and not TOML. */
export function isEnvFile(text: string): boolean {
  return VARIABLE.test(text) && !/^\s*\[hiqlite\]/m.test(text);
}

/**
 * Reads variables, one a line: `NAME=value`, `export NAME=value`, comments
 * behind `#`. In single quotes a value is as it stands, in double quotes `\n`,
 * `\"`, `\\` and `\$` mean what they mean in a shell; both may go over lines.
 * `$NAME` stands for itself.
 *
 * @throws {ConfigError} names the file and the line.
 */
export function parseEnvFile(
  text: string,
  path: string,
): ReadonlyMap<string, string> {
  const variables = new Map<string, string>();
  const source = text.replaceAll("\r\n", "\n");
  for (let at = 0; at < source.length;) {
    const [blank] = /^(?:[^\S\n]*(?:#[^\n]*)?\n)*[^\S\n]*(?:#[^\n]*$)?/
      .exec(source.slice(at))!;
    at += blank.length;
    if (at >= source.length) break;
    const rest = source.slice(at);
    const head = /^(?:export\s+)?([A-Za-z_]\w*)[^\S\n]*=[^\S\n]*/.exec(rest);
    if (head === null) {
      throw wrong(path, source, at, "expected NAME=value");
    }
    const name = head[1]!;
    const found = valueOf(rest.slice(head[0].length));
    if (found === null) {
      throw wrong(path, source, at, `the quote of ${name} has no end`);
    }
    const end = /^[^\S\n]*(?:#[^\n]*)?(?:\n|$)/.exec(
      rest.slice(head[0].length + found.length),
    );
    if (end === null) {
      throw wrong(
        path,
        source,
        at,
        `unexpected text behind the value of ${name}`,
      );
    }
    if (variables.has(name)) {
      throw wrong(path, source, at, `${name} is set twice`);
    }
    variables.set(name, found.value);
    at += head[0].length + found.length + end[0].length;
  }
  return variables;
}

/** The value that a text begins with, and its length in the text; null if a quote has no end. */
function valueOf(
  text: string,
): { readonly value: string; readonly length: number } | null {
  if (text[0] === "'") {
    const end = text.indexOf("'", 1);
    return end < 0 ? null : { value: text.slice(1, end), length: end + 1 };
  }
  if (text[0] === '"') {
    const quoted = /^"((?:[^"\\]|\\[^])*)"/.exec(text);
    return quoted === null
      ? null
      : { value: unescaped(quoted[1]!), length: quoted[0].length };
  }
  const [bare] = /^(?!#)(?:(?!\s#)[^\n])*|/.exec(text)!;
  return { value: bare.trim(), length: bare.length };
}

function unescaped(text: string): string {
  return text.replaceAll(
    /\\([^])/g,
    (all, character: string) =>
      character === "n" ? "\n" : '"\\$'.includes(character) ? character : all,
  );
}

function wrong(
  path: string,
  source: string,
  at: number,
  problem: string,
): ConfigError {
  const line = source.slice(0, at).split("\n").length;
  return new ConfigError(path, `line ${line}: ${problem}`);
}
