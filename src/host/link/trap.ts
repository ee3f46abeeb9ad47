/** Ends the guest: the instance whose rule was broken stays entered, so nothing can call it again. */
export const trap = (message: string): never => {
  throw new WebAssembly.RuntimeError(message);
};

/** A host value that does not fit its WIT type: the caller's mistake, found before the guest sees it. */
export const misfit = (type: string, value: unknown): never => {
  throw new TypeError(`A value for ${type} was looked for, and ${show(value)} was given`);
};

const show = (value: unknown): string => {
  if (typeof value === "string") return JSON.stringify(value.length > 60 ? `${value.slice(0, 60)}…` : value);
  if (typeof value === "bigint") return `${value}n`;
  if (typeof value === "function") return "a function";
  if (typeof value !== "object" || value === null) return String(value);
  return Array.isArray(value) ? "an array" : `an object of ${value.constructor?.name ?? "no class"}`;
};
