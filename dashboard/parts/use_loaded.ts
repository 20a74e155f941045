import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import type { ApiError } from "../api.ts";

/** Whoever did not answer is asked again so much later, ms. */
const AGAIN_MS = 3_000;

/** What was loaded, and how that went. */
export interface Loaded<T> {
  /** The newest answer; null: none yet. It stays while it is loaded again. */
  readonly value: T | null;
  /** Why the last attempt failed; null: it did not. */
  readonly error: unknown;
  readonly loading: boolean;
  readonly reload: () => void;
}

/**
 * Loads something when the page opens and whenever `inputs` change; what is outdated is ended by its signal. A member that
 * cannot be reached is asked again by and by.
 */
export function useLoaded<T>(
  load: (signal: AbortSignal) => Promise<T>,
  inputs: readonly unknown[],
): Loaded<T> {
  const [state, setState] = useState<Omit<Loaded<T>, "reload">>({
    value: null,
    error: null,
    loading: true,
  });
  const [turn, setTurn] = useState(0);
  const newest = useRef(load);
  newest.current = load;
  useEffect(() => {
    const stop = new AbortController();
    let again: ReturnType<typeof setTimeout> | undefined;
    setState((before) => ({ ...before, loading: true }));
    newest.current(stop.signal).then(
      (value) => {
        if (stop.signal.aborted) return;
        setState({ value, error: null, loading: false });
      },
      (error) => {
        if (stop.signal.aborted) return;
        setState((before) => ({ ...before, error, loading: false }));
        if ((error as ApiError).code !== "unreachable") return;
        again = setTimeout(() => setTurn((before) => before + 1), AGAIN_MS);
      },
    );
    return () => {
      stop.abort();
      clearTimeout(again);
    };
  }, [...inputs, turn]);
  const reload = useCallback(() => setTurn((before) => before + 1), []);
  return { ...state, reload };
}
