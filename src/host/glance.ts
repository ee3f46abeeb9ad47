const glancing = new WeakSet<object>();

/**
 * Marks a provider's function that has read its lists of numbers when it returns, and keeps none of them: it may be
 * given views of the guest's memory, which cost nothing, instead of copies. They are only there during the call.
 * Whoever links may copy all the same.
 */
export const atGlance = <F extends (...args: never[]) => unknown>(func: F): F => {
  glancing.add(func);
  return func;
};

export const readsAtGlance = (func: object): boolean => glancing.has(func);
