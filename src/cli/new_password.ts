import { HiqliteError } from "../errors.ts";
import type { Terminal } from "./terminal.ts";

/** Fewer characters can be guessed by who has the hash. */
const PASSWORD_LENGTH_MIN = 12;
/** Drawn at random: 24 characters. */
const RANDOM_BYTES = 18;

/** A new password. */
export interface NewPassword {
  readonly text: string;
  /** Nobody has seen it yet. */
  readonly drawn: boolean;
}

/** A password of 24 random letters, digits, `-` and `_`. */
export function drawPassword(): NewPassword {
  const text = crypto.getRandomValues(new Uint8Array(RANDOM_BYTES))
    .toBase64({ alphabet: "base64url" });
  return { text, drawn: true };
}

/**
 * Asks for a new password, twice if it is typed; through a pipe it is the first
 * line. Nothing typed: one is drawn.
 *
 * @throws {HiqliteError} `invalid` if it is too short, not the same twice, or given up.
 */
export async function askPassword(
  { input }: Pick<Terminal, "input">,
): Promise<NewPassword> {
  const { hidden } = input;
  if (hidden === null) {
    const first = await input.lines()[Symbol.asyncIterator]().next();
    return chosen(first.done ? "" : first.value);
  }
  const text = await hidden("Password (nothing: one is drawn): ");
  const password = chosen(text ?? givenUp());
  if (password.drawn) return password;
  const again = await hidden("The same again: ") ?? givenUp();
  if (again === text) return password;
  throw new HiqliteError("invalid", "The two passwords are not the same");
}

/** A password that somebody chose. @throws {HiqliteError} `invalid` if it is too short. */
export function chosen(text: string): NewPassword {
  if (text === "") return drawPassword();
  const { length } = [...text];
  if (length >= PASSWORD_LENGTH_MIN) return { text, drawn: false };
  throw new HiqliteError(
    "invalid",
    `The password has ${length} characters: take ${PASSWORD_LENGTH_MIN} or more, or none to have one drawn`,
  );
}

function givenUp(): never {
  throw new HiqliteError("invalid", "No password was given");
}

/** Says a password that nobody has seen yet: it is kept nowhere. */
export function tellDrawn(
  { text, drawn }: NewPassword,
  tell: (line: string) => void,
): void {
  if (drawn) tell(`Password: ${text}   (kept nowhere: write it down now)`);
}
