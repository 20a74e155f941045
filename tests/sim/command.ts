/** What a simulated client can ask of a key. */
export type Operation =
  | { readonly kind: "put"; readonly key: number; readonly value: number }
  | {
    readonly kind: "cas";
    readonly key: number;
    readonly expected: number;
    readonly value: number;
  }
  | { readonly kind: "append"; readonly key: number; readonly value: number }
  | { readonly kind: "read"; readonly key: number }
  /** What a machine must refuse before it gets into a log. */
  | {
    readonly kind: "poison";
    readonly key: number;
    readonly how: PoisonKind;
  };

/** What poison does to the machine that runs it. */
export type PoisonKind = "hangs" | "dies" | "large";

/** What a client asks for. Reads may go through the log, too. */
export type SimCommand =
  | { readonly kind: "open" }
  | {
    readonly kind: "operation";
    /** 0 for none: then a retry would apply twice. */
    readonly session: number;
    readonly sequence: number;
    readonly operation: Operation;
  };

/** What is answered. */
export type SimAnswer =
  | { readonly kind: "opened"; readonly session: number }
  /** Nothing was applied: the session is forgotten, or the sequence is old. */
  | { readonly kind: "expired" }
  /** Nothing was applied, and never will be: the leader's machine could not run it. */
  | { readonly kind: "kept out" }
  /** `value`: the key's value before (put, append) or now (read); for cas whether it matched (1, 0). */
  | { readonly kind: "done"; readonly value: string };
