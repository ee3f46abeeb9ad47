// Guest code. `console` over wasi:cli: log, info and debug to standard output, warn and error to standard error;
// and the report of an uncaught exception. What is printed while the module is loaded waits for the first call.
import { errorText, inspect } from "./inspect.guest.js";
import { whenRunning } from "./state.guest.js";
import { TextEncoder } from "./text.guest.js";

/** What `blocking-write-and-flush` takes at once (wasi:io/streams). */
const chunkBytesMax = 4096;
const encoder = new TextEncoder();

/** A writer over `get-stdout` or `get-stderr`; the stream is asked for once. Without one, nothing is written. */
export const writer = (get) => {
  let stream;
  return (text) => {
    if (!get) return;
    stream ??= get();
    const bytes = encoder.encode(text);
    try {
      for (let at = 0; at < bytes.length; at += chunkBytesMax)
        stream.blockingWriteAndFlush(bytes.subarray(at, at + chunkBytesMax));
    } catch (error) {
      // A closed pipe: console never throws. Anything without a payload is no stream's err.
      if (error === null || typeof error !== "object" || !("payload" in error)) throw error;
    }
  };
};

/** Writes "Uncaught TypeError: message" and its places; the host looks for this form. */
export const reporter = (write) => (thrown) =>
  write(`Uncaught ${thrown instanceof Error ? errorText(thrown) : inspect(thrown)}\n`);

const directives = {
  s: (value) => (typeof value === "string" ? value : inspect(value)),
  d: (value) => (typeof value === "bigint" ? `${value}n` : String(Number(value))),
  i: (value) => (typeof value === "bigint" ? `${value}n` : String(Number.parseInt(value, 10))),
  f: (value) => String(Number.parseFloat(value)),
  j: (value) => JSON.stringify(value),
  o: inspect,
  O: inspect,
  c: () => "",
};

/** The arguments of one `console` call as one text, `%s` and its kin replaced as the Console standard says. */
export const format = (args) => {
  const rest = [...args];
  const parts = [];
  if (typeof rest[0] === "string" && rest.length > 1)
    parts.push(
      rest.shift().replace(/%([sdifjoOc%])/g, (text, kind) => {
        if (kind === "%") return "%";
        return rest.length > 0 ? directives[kind](rest.shift()) : text;
      }),
    );
  for (const value of rest) parts.push(typeof value === "string" ? value : inspect(value));
  return parts.join(" ");
};

/** The `console` object; `now` answers milliseconds for its timers. */
export const consoleOver = (out, err, now) => {
  let indent = "";
  const counts = new Map();
  const timers = new Map();
  const print =
    (write) =>
    (...args) => {
      const text = `${indent}${format(args).replaceAll("\n", `\n${indent}`)}\n`;
      whenRunning(() => write(text));
    };
  const [log, error] = [print(out), print(err)];
  const group = (...args) => {
    if (args.length > 0) log(...args);
    indent += "  ";
  };
  const elapsed = (label) => `${label}: ${(now() - (timers.get(label) ?? now())).toFixed(3)} ms`;
  return {
    log,
    info: log,
    debug: log,
    dir: (value) => log(inspect(value)),
    dirxml: log,
    table: log,
    warn: error,
    error,
    trace: (...args) => error(errorText(Object.assign(new Error(format(args)), { name: "Trace" }))),
    assert(condition, ...args) {
      if (!condition) error("Assertion failed:", ...args);
    },
    group,
    groupCollapsed: group,
    groupEnd() {
      indent = indent.slice(2);
    },
    count(label = "default") {
      counts.set(label, (counts.get(label) ?? 0) + 1);
      log(`${label}: ${counts.get(label)}`);
    },
    countReset: (label = "default") => counts.delete(label),
    time: (label = "default") => timers.set(label, now()),
    timeLog: (label = "default", ...args) => log(elapsed(label), ...args),
    timeEnd(label = "default") {
      log(elapsed(label));
      timers.delete(label);
    },
    clear() {},
  };
};
