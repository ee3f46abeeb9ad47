// How a call ends when it cannot go on. A guest's `catch_all` catches whatever JavaScript throws; only what the
// engine itself raised goes through, so every trap is raised by a core function whose body is `unreachable`.

// (module (func (export "t") unreachable))
const moduleBytes = Uint8Array.of(
  ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00, 0x01, 0x04, 0x01, 0x60, 0x00, 0x00, 0x03, 0x02, 0x01],
  ...[0x00, 0x07, 0x05, 0x01, 0x01, 0x74, 0x00, 0x00, 0x0a, 0x05, 0x01, 0x03, 0x00, 0x00, 0x0b],
);

let unreachable: (() => void) | undefined;

const raised = (message: string): Error => {
  unreachable ??= new WebAssembly.Instance(new WebAssembly.Module(moduleBytes)).exports.t as () => void;
  try {
    unreachable();
  } catch (error) {
    (error as Error).message = message;
    return error as Error;
  }
  throw new Error("A trap did not trap");
};

/** Ends the guest: the instance whose rule was broken stays entered, so nothing can call it again. */
export const trap = (message: string): never => {
  throw raised(message);
};

/** What a host function threw, by the trap that carries it through the guest. */
const carried = new WeakMap<Error, unknown>();

/** A host's error on its way through a guest, which must not catch it. */
export const hostThrew = (error: unknown): never => {
  if (error instanceof WebAssembly.RuntimeError) throw error;
  const carrier = raised("the host ended the call");
  carried.set(carrier, error);
  throw carrier;
};

interface ExceptionClass {
  new (...args: never[]): Error;
}
const { Exception } = WebAssembly as unknown as { Exception: ExceptionClass };

/** What left a guest, as its caller gets it: the host's own error, or a trap where an exception got away. */
export const guestThrew = (error: unknown, toHost: boolean): never => {
  if (error instanceof Exception) trap("uncaught exception left a component");
  throw toHost && error instanceof Error && carried.has(error) ? carried.get(error) : error;
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
