import {
  describeFlags,
  type Flag,
  parseFlags,
  UsageError,
} from "./arguments.ts";
import type { Commands } from "./command.ts";
import type { Terminal } from "./terminal.ts";

const FLAGS: Readonly<Record<string, Flag>> = {
  help: { short: "h", about: "Show this" },
};

/** The help of `hiqlite completions`. */
export function completionsHelp(): string[] {
  return [
    "Usage: hiqlite completions <bash|zsh|fish>",
    "",
    "Print a script that completes commands and options.",
    "",
    "  bash   hiqlite completions bash > /etc/bash_completion.d/hiqlite",
    '  zsh    hiqlite completions zsh > "${fpath[1]}/_hiqlite"',
    "  fish   hiqlite completions fish > ~/.config/fish/completions/hiqlite.fish",
    "",
    "Options:",
    ...describeFlags(FLAGS),
  ];
}

/** Prints the script of a shell. */
export async function completions(
  args: readonly string[],
  terminal: Terminal,
  commands: Commands,
): Promise<number> {
  const { positionals: [shell, unexpected] } = parseFlags(args, FLAGS);
  if (unexpected !== undefined) {
    throw new UsageError(`Unexpected argument '${unexpected}'`);
  }
  const script = Object.hasOwn(SCRIPTS, shell ?? "")
    ? SCRIPTS[shell!]!
    : undefined;
  if (script === undefined) {
    throw new UsageError(
      `Expected bash, zsh or fish, got ${
        shell === undefined ? "nothing" : `'${shell}'`
      }`,
    );
  }
  for (const line of script(await wordsOf(commands))) terminal.out(line);
  return 0;
}

/** What one command offers behind its name. */
interface Words {
  readonly name: string;
  readonly about: string;
  readonly commands: readonly Word[];
  readonly options: readonly Option[];
}

/** A word, and what it stands for. */
interface Word {
  readonly name: string;
  readonly about: string;
}

interface Option extends Word {
  readonly short: string | undefined;
  readonly takesValue: boolean;
}

/** What the help of each command shows: so what is completed is what the help says. */
function wordsOf(commands: Commands): Promise<Words[]> {
  return Promise.all(
    Object.entries(commands).map(async ([name, { about, load }]) => {
      const lines = (await load()).help();
      const commands = commandsIn(lines);
      return { name, about, commands, options: lines.flatMap(optionOf) };
    }),
  );
}

/** The commands that a help lists. */
export function commandsIn(help: readonly string[]): readonly Word[] {
  const first = help.indexOf("Commands:") + 1;
  if (first === 0) return [];
  return help.slice(first, help.indexOf("", first)).flatMap(wordOf);
}

function wordOf(line: string): Word[] {
  const found = /^ {2}([a-z][\w-]*)\b(?:.*?) {2,}(\S.*)$/.exec(line);
  return found === null ? [] : [{ name: found[1]!, about: found[2]! }];
}

function optionOf(line: string): Option[] {
  const found = /^ {2,6}(?:-(\w), )?--([\w-]+)( <[^>]+>)? +(\S.*)$/.exec(line);
  if (found === null) return [];
  const [, short, name, value, about] = found;
  return [{
    name: name!,
    short,
    takesValue: value !== undefined,
    about: about!,
  }];
}

const SCRIPTS: Readonly<Record<string, (all: readonly Words[]) => string[]>> = {
  bash,
  zsh,
  fish,
};

function bash(all: readonly Words[]): string[] {
  const words = (one: Words): string =>
    [
      ...one.commands.map(({ name }) => name),
      ...one.options.map(({ name }) => `--${name}`),
    ].join(" ");
  return [
    "# Completes hiqlite in bash.",
    "_hiqlite() {",
    '  local word="${COMP_WORDS[COMP_CWORD]}" words',
    '  if [ "$COMP_CWORD" -eq 1 ]; then',
    `    words="${all.map(({ name }) => name).join(" ")} --help --version"`,
    "  else",
    '    case "${COMP_WORDS[1]}" in',
    ...all.map((one) => `      ${one.name}) words="${words(one)}" ;;`),
    "    esac",
    "  fi",
    '  COMPREPLY=($(compgen -W "$words" -- "$word"))',
    "}",
    // What the words do not offer may be a file.
    "complete -o default -F _hiqlite hiqlite",
  ];
}

function zsh(all: readonly Words[]): string[] {
  const text = (about: string): string =>
    about.replaceAll("'", "'\\''").replaceAll(/[[\]:]/g, "\\$&");
  const word = ({ name, about }: Word): string => `'${name}:${text(about)}'`;
  return [
    "#compdef hiqlite",
    "_hiqlite() {",
    "  local -a commands",
    "  if (( CURRENT == 2 )); then",
    `    commands=(${all.map(word).join(" ")})`,
    "    _describe command commands",
    "    return",
    "  fi",
    '  case "$words[2]" in',
    ...all.flatMap((one) => [
      `    ${one.name})`,
      `      commands=(${one.commands.map(word).join(" ")})`,
      "      (( CURRENT == 3 && $#commands )) && _describe command commands",
      `      _arguments ${
        one.options.map(({ name, about, takesValue }) =>
          `'--${name}[${text(about)}]${takesValue ? ":value:_files" : ""}'`
        ).concat("'*:file:_files'").join(" ")
      } ;;`,
    ]),
    "  esac",
    "}",
    '_hiqlite "$@"',
  ];
}

function fish(all: readonly Words[]): string[] {
  const quoted = (about: string): string =>
    `'${about.replaceAll(/[\\']/g, "\\$&")}'`;
  return [
    "# Completes hiqlite in fish.",
    ...all.flatMap((one) => {
      const behind = `-n '__fish_seen_subcommand_from ${one.name}'`;
      return [
        `complete -c hiqlite -n __fish_use_subcommand -a ${one.name} -d ${
          quoted(one.about)
        }`,
        ...one.commands.map(({ name, about }) =>
          `complete -c hiqlite ${behind} -a ${name} -d ${quoted(about)}`
        ),
        ...one.options.map(({ name, short, takesValue, about }) =>
          `complete -c hiqlite ${behind} -l ${name}${
            short === undefined ? "" : ` -s ${short}`
          }${takesValue ? " -r" : ""} -d ${quoted(about)}`
        ),
      ];
    }),
  ];
}
