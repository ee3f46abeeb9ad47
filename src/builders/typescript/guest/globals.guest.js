// Guest code. The globals that programs expect and that the engine lacks, or has wrong in a component: time and
// randomness come from WASI, and only where the program uses them. What cannot be had says so when it is called.
import { quickjs } from "loop:engine";
import { phase } from "./state.guest.js";
import { TextDecoder, TextEncoder } from "./text.guest.js";

const define = (name, value) =>
  Object.defineProperty(globalThis, name, { value, configurable: true, writable: true, enumerable: false });

export const defineText = () => {
  define("TextEncoder", TextEncoder);
  define("TextDecoder", TextDecoder);
};

const whileLoading = (what) => {
  if (!phase.running)
    throw new Error(
      `${what} was called while the module is loaded, where there is no clock; call it from an export`,
    );
};

/** `Date` over wasi:clocks/wall-clock: `now()` answers { seconds: bigint, nanoseconds }. The zone is UTC. */
export const defineDate = (now) => {
  const Engine = globalThis.Date;
  const nowMs = () => {
    whileLoading("Date");
    const { seconds, nanoseconds } = now();
    return Number(seconds) * 1000 + Math.floor(nanoseconds / 1e6);
  };
  const Replaced = function (...args) {
    if (!new.target) return new Engine(nowMs()).toString();
    return Reflect.construct(Engine, args.length === 0 ? [nowMs()] : args, new.target);
  };
  Object.defineProperty(Replaced, "name", { value: "Date" });
  Replaced.prototype = Engine.prototype;
  Object.defineProperty(Engine.prototype, "constructor", {
    value: Replaced,
    configurable: true,
    writable: true,
  });
  Object.assign(Replaced, { now: nowMs, parse: Engine.parse, UTC: Engine.UTC });
  define("Date", Replaced);
};

/** `performance` over wasi:clocks/monotonic-clock: `now()` answers nanoseconds as bigint. */
export const definePerformance = (now) => {
  let origin;
  const nowMs = () => {
    whileLoading("performance.now");
    const at = now();
    origin ??= at;
    return Number(at - origin) / 1e6;
  };
  define("performance", { now: nowMs });
  return nowMs;
};

/** `crypto` and `Math.random` over wasi:random/random: `bytes(count)` answers a Uint8Array. */
export const defineRandom = (bytes) => {
  const getRandomValues = (array) => {
    if (!ArrayBuffer.isView(array) || array instanceof Float32Array || array instanceof Float64Array)
      throw new TypeError("crypto.getRandomValues: an array of integers was expected");
    if (array.byteLength > 65536)
      throw new RangeError(
        `crypto.getRandomValues: at most 65536 bytes at once, and ${array.byteLength} were asked for`,
      );
    new Uint8Array(array.buffer, array.byteOffset, array.byteLength).set(bytes(BigInt(array.byteLength)));
    return array;
  };
  const randomUUID = () => {
    const random = bytes(16n);
    random[6] = (random[6] & 0x0f) | 0x40;
    random[8] = (random[8] & 0x3f) | 0x80;
    const hex = Array.from(random, (byte) => byte.toString(16).padStart(2, "0")).join("");
    return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
  };
  define("crypto", { getRandomValues, randomUUID });
  // 53 random bits over 2^53, as the engines themselves make it.
  Math.random = () => {
    const view = new DataView(Uint8Array.from(bytes(8n)).buffer);
    return (view.getUint32(0) * 0x200000 + (view.getUint32(4) >>> 11)) / 2 ** 53;
  };
};

/** The parts of structured cloning that need no host. */
const clone = (value, seen = new Map()) => {
  if (typeof value === "function" || typeof value === "symbol")
    throw new DOMException(`${String(value)} could not be cloned`, "DataCloneError");
  if (value === null || typeof value !== "object") return value;
  if (seen.has(value)) return seen.get(value);
  const keep = (copy) => {
    seen.set(value, copy);
    return copy;
  };
  if (value instanceof Date) return keep(new Date(value.getTime()));
  if (value instanceof RegExp) return keep(new RegExp(value.source, value.flags));
  if (value instanceof ArrayBuffer) return keep(value.slice(0));
  if (value instanceof DataView)
    return keep(new DataView(clone(value.buffer, seen), value.byteOffset, value.byteLength));
  if (ArrayBuffer.isView(value))
    return keep(new value.constructor(clone(value.buffer, seen), value.byteOffset, value.length));
  if (value instanceof Map) {
    const copy = keep(new Map());
    for (const [key, item] of value) copy.set(clone(key, seen), clone(item, seen));
    return copy;
  }
  if (value instanceof Set) {
    const copy = keep(new Set());
    for (const item of value) copy.add(clone(item, seen));
    return copy;
  }
  if (value instanceof Error) {
    const copy = keep(
      new globalThis[
        ["EvalError", "RangeError", "ReferenceError", "SyntaxError", "TypeError", "URIError"].includes(
          value.name,
        )
          ? value.name
          : "Error"
      ](value.message),
    );
    if ("cause" in value) copy.cause = clone(value.cause, seen);
    return copy;
  }
  const copy = keep(Array.isArray(value) ? new Array(value.length) : {});
  for (const key of Object.keys(value)) copy[key] = clone(value[key], seen);
  return copy;
};

const absent = (name, instead) => {
  const stand = () => {
    throw new Error(`${name} is not there: ${instead}`);
  };
  Object.defineProperty(stand, "name", { value: name });
  define(name, stand);
};

/** What needs no import at all. */
export const defineRest = () => {
  if (!globalThis.structuredClone) define("structuredClone", (value) => clone(value));
  if (!quickjs) return;
  const why =
    'a QuickJS component has no event loop; wait with wasi:clocks/monotonic-clock, or build with engine = "starlingmonkey"';
  for (const name of ["setTimeout", "setInterval", "setImmediate", "queueMicrotask"]) absent(name, why);
};
