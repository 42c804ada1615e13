// Something that is read from the host, and read again when there may be a
// hole, or when what it depends on changes.
import { useCallback, useEffect, useState } from "preact/hooks";
import { isAbort } from "../api/client";
import { connection, epoch } from "../state/live";

export interface Resource<T> {
  data: T | undefined;
  error: unknown;
  loading: boolean;
  reload: () => void;
}

/** What was read before stays in sight while it is read again. */
export function useResource<T>(load: (signal: AbortSignal) => Promise<T>, deps: readonly unknown[]): Resource<T> {
  const [state, setState] = useState<{ data?: T; error?: unknown; loading: boolean; key: string }>({ loading: true, key: "" });
  const [turn, setTurn] = useState(0);
  const key = JSON.stringify(deps);
  const era = epoch.value;
  const failedOffline = state.error !== undefined && connection.value.state === "live";
  useEffect(() => {
    const abort = new AbortController();
    setState((old) => (old.key === key ? { ...old, loading: true } : { loading: true, key }));
    load(abort.signal).then(
      (data) => {
        if (!abort.signal.aborted) setState({ data, loading: false, key });
      },
      (error: unknown) => {
        if (!abort.signal.aborted && !isAbort(error)) setState((old) => ({ ...(old.key === key && old.data !== undefined ? { data: old.data } : {}), error, loading: false, key }));
      },
    );
    return () => abort.abort();
  }, [key, era, turn, failedOffline && connection.value.state]);
  const reload = useCallback(() => setTurn((t) => t + 1), []);
  return { data: state.key === key ? state.data : undefined, error: state.error, loading: state.loading, reload };
}
