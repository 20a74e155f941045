/** Texts in quotes, spaces, marks, and all else: numbers and words. */
const TOKENS = /"(?:[^"\\]|\\.)*"|\s+|[{}[\],:]|[^\s{}[\],:"]+/g;

/** A JSON text on lines of its own, indented by two spaces. Only spaces change: numbers keep all their digits, and keys that are there twice stay. */
export function indentedJson(text: string): string {
  const tokens = (text.match(TOKENS) ?? []).filter((token) => /\S/.test(token));
  let depth = 0;
  let laid = "";
  for (const [at, token] of tokens.entries()) {
    const before = tokens[at - 1];
    if (token === "}" || token === "]") {
      depth--;
      if (before !== "{" && before !== "[") laid += newLine(depth);
    } else if (before === "{" || before === "[" || before === ",") {
      laid += newLine(depth);
    } else if (before === ":") {
      laid += " ";
    }
    laid += token;
    if (token === "{" || token === "[") depth++;
  }
  return laid;
}

function newLine(depth: number): string {
  return `\n${"  ".repeat(depth)}`;
}
