/** The terminal that somebody types on. */
export interface RawTerminal {
  /** Whether keys come as they are pressed, and are not shown. */
  setRaw(raw: boolean): void;
  /** Keys into `into`, and how many bytes; null at the end. */
  read(into: Uint8Array): Promise<number | null>;
}

const CTRL_C = 0x03;
const CTRL_D = 0x04;
const BACKSPACE = 0x08;
const NEWLINE = 0x0a;
const RETURN = 0x0d;
const CTRL_U = 0x15;
const DELETE = 0x7f;

/** Reads lines that are typed without being shown. */
export class HiddenInput {
  readonly #terminal: RawTerminal;
  readonly #show: (text: string) => void;
  /** What was typed ahead. */
  #ahead: number[] = [];

  /** `show` writes a prompt. */
  constructor(terminal: RawTerminal, show: (text: string) => void) {
    this.#terminal = terminal;
    this.#show = show;
  }

  /** The next line; null if it was given up with Ctrl-C or Ctrl-D, or the input has ended. */
  async line(prompt: string): Promise<string | null> {
    this.#show(prompt);
    this.#terminal.setRaw(true);
    try {
      return await this.#line();
    } finally {
      this.#terminal.setRaw(false);
      this.#show("\n");
    }
  }

  async #line(): Promise<string | null> {
    const keys: number[] = [];
    for (;;) {
      const key = await this.#key();
      switch (key) {
        case null:
        case CTRL_C:
          return null;
        case CTRL_D:
          if (keys.length === 0) return null;
          break;
        case NEWLINE:
        case RETURN:
          return new TextDecoder().decode(Uint8Array.from(keys));
        case BACKSPACE:
        case DELETE:
          removeLast(keys);
          break;
        case CTRL_U:
          keys.length = 0;
          break;
        default:
          keys.push(key);
      }
    }
  }

  async #key(): Promise<number | null> {
    const into = new Uint8Array(256);
    while (this.#ahead.length === 0) {
      const length = await this.#terminal.read(into);
      if (length === null) return null;
      this.#ahead = [...into.subarray(0, length)];
    }
    return this.#ahead.shift()!;
  }
}

/** Takes away a character of UTF-8. */
function removeLast(keys: number[]): void {
  while (keys.length > 0 && (keys.pop()! & 0xc0) === 0x80) continue;
}
