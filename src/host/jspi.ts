// JSPI, by which a guest's stack is suspended while the host does something else. The type library does not know it yet.

type Callable = (...args: never[]) => unknown;

const jspi = WebAssembly as unknown as {
  promising(core: Callable): Callable;
  Suspending: new (host: Callable) => object;
};

/** An exported core function as one that answers with a promise. */
export const promising = (core: Callable): Callable => jspi.promising(core);

/** A host's function as an import that may answer with a promise; callers that were not entered as promising throw. */
export const suspending = (host: Callable): object => new jspi.Suspending(host);
