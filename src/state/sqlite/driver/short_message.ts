/** How much of one word of a statement a message repeats. */
const WORD_CHARS_MAX = 200;
const WORD_CHARS_END = 40;
/** The longest message in the words of SQLite and of this software. */
const MESSAGE_CHARS_MAX = 300;
/** The longest one in what a schema's author wrote (RAISE, CHECK). */
const OWN_CHARS_MAX = 2000;
const LONG_WORD = /\S{201,}/g;

/**
 * A message that repeats little of what it speaks of: a statement may be a megabyte long and one word.
 * A message in `ownWords` of the schema's author is only cut where it is longer than {@linkcode OWN_CHARS_MAX}.
 */
export function shortMessage(message: string, ownWords: boolean): string {
  if (message.length <= WORD_CHARS_MAX) return message;
  const words = ownWords ? message : message.replaceAll(
    LONG_WORD,
    (word) => cut(word, WORD_CHARS_MAX - WORD_CHARS_END),
  );
  const longest = ownWords ? OWN_CHARS_MAX : MESSAGE_CHARS_MAX;
  return words.length <= longest ? words : cut(words, longest - WORD_CHARS_END);
}

/** Well-formed also where the cut goes through a pair of surrogates. */
function cut(text: string, start: number): string {
  const left = text.length - start - WORD_CHARS_END;
  return `${text.slice(0, start)}… (${left} characters) …${
    text.slice(-WORD_CHARS_END)
  }`.toWellFormed();
}
