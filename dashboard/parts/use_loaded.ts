import { useCallback, useEffect, useRef, useState } from "preact/hooks";

/** What was loaded, and how that went. */
export interface Loaded<T> {
  /** The newest answer; null: none yet. It stays while it is loaded again. */
  readonly value: T | null;
  /** Why the last attempt failed; null: it did not. */
  readonly error: unknown;
  readonly loading: boolean;
  readonly reload: () => void;
}

/** Loads something when the page opens and whenever `inputs` change; what is outdated is ended by its signal. */
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
    setState((before) => ({ ...before, loading: true }));
    newest.current(stop.signal).then(
      (value) => {
        if (stop.signal.aborted) return;
        setState({ value, error: null, loading: false });
      },
      (error) => {
        if (stop.signal.aborted) return;
        setState((before) => ({ ...before, error, loading: false }));
      },
    );
    return () => stop.abort();
  }, [...inputs, turn]);
  const reload = useCallback(() => setTurn((before) => before + 1), []);
  return { ...state, reload };
}
