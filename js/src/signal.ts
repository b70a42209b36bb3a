// Owns what an AbortSignal does to a wait: it ends with the signal's reason.

/** The promise, unless the signal is aborted first; `cancel` is then called once. */
export function abortable<T>(promise: Promise<T>, signal: AbortSignal | undefined, cancel?: () => void): Promise<T> {
  if (signal === undefined) return promise;
  return new Promise<T>((resolve, reject) => {
    const abort = (): void => {
      cancel?.();
      reject(signal.reason);
    };
    signal.addEventListener('abort', abort, { once: true });
    if (signal.aborted) abort();
    void promise
      .then(resolve, reject)
      .finally(() => signal.removeEventListener('abort', abort));
  });
}
