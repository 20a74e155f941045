import type { ValueType } from "./value.ts";

/** One key of the configuration. */
export interface Setting<T> {
  /** Its name in the `[hiqlite]` table. */
  readonly toml: string;
  /** Its environment variable. */
  readonly env: string;
  readonly type: ValueType<T>;
  /** Used when the key is absent; undefined where the value follows from others. */
  readonly fallback: T | undefined;
  /** The default as people read it. */
  readonly fallbackText: string;
  /** What it does, one sentence. */
  readonly about: string;
  /** Never printed; may be `$SECRETS`. */
  readonly secret: boolean;
}

/** A key whose value is no secret. `fallbackText` is the default as people read it. */
export function setting<T>(
  toml: string,
  env: string,
  type: ValueType<T>,
  fallback: T | undefined,
  about: string,
  fallbackText: string = `${fallback}`,
): Setting<T> {
  return { toml, env, type, fallback, about, fallbackText, secret: false };
}

/** The same, of what is never printed. */
export function hidden<T>(shown: Setting<T>): Setting<T> {
  return { ...shown, secret: true };
}
