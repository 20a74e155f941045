import { createHash } from "node:crypto";

/** Texts that are remembered; beyond it the one that was noted first is forgotten. */
const REMEMBERED = 1000;

/** Which queries of which client took long lately, by their whole text. */
export class LongTexts {
  readonly #keys = new Set<string>();

  /** Whether it took long when this client asked it last. */
  has(client: string, text: string): boolean {
    return this.#keys.size > 0 && this.#keys.has(keyOf(client, text));
  }

  /** It took long. */
  add(client: string, text: string): void {
    this.#keys.add(keyOf(client, text));
    if (this.#keys.size <= REMEMBERED) return;
    const [first] = this.#keys;
    this.#keys.delete(first!);
  }

  /** It did not take long this time. */
  delete(client: string, text: string): void {
    this.#keys.delete(keyOf(client, text));
  }
}

/** One client's slow query says nothing of another's with the same text and other parameters. */
function keyOf(client: string, text: string): string {
  return createHash("sha256").update(client).update("\0").update(text)
    .digest("base64");
}
