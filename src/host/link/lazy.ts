import type { Callable } from "./state.ts";

// Code is generated when it is first needed: a component imports and exports many functions, and one run calls
// few of them. Generating all at once was a third of the start of a small command.

/**
 * A core function that is made at its first call. Its parameters are spelled out for the usual counts, because
 * rest parameters cost an array a call.
 */
export const onFirstCall = (arity: number, make: () => Callable): Callable => {
  let made: Anything | undefined;
  const get = () => {
    made ??= make() as Anything;
    return made;
  };
  switch (arity) {
    case 0:
      return () => (made ?? get())();
    case 1:
      return (a: unknown) => (made ?? get())(a);
    case 2:
      return (a: unknown, b: unknown) => (made ?? get())(a, b);
    case 3:
      return (a: unknown, b: unknown, c: unknown) => (made ?? get())(a, b, c);
    case 4:
      return (a: unknown, b: unknown, c: unknown, d: unknown) => (made ?? get())(a, b, c, d);
    case 5:
      return (a: unknown, b: unknown, c: unknown, d: unknown, e: unknown) => (made ?? get())(a, b, c, d, e);
    default:
      return (...args: unknown[]) => (made ?? get())(...args);
  }
};

type Anything = (...args: unknown[]) => unknown;

/** A property whose value is made when it is first read, and is a plain property from then on. */
export const onFirstRead = (object: object, key: string, enumerable: boolean, make: () => unknown): void => {
  Object.defineProperty(object, key, {
    configurable: true,
    enumerable,
    get() {
      const value = make();
      Object.defineProperty(object, key, { value, configurable: true, enumerable, writable: true });
      return value;
    },
  });
};
