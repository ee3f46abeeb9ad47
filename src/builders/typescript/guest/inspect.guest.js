// Guest code. Values as text for `console` and for messages: one line where it fits, nested to a bound, cycles
// and getters safe. In the manner of Node's `util.inspect`, without its options.
import { stackOf } from "./report.guest.js";

const depthMax = 4;
const itemsMax = 100;
const widthMax = 76;

export const inspect = (value) => show(value, 0, []);

const quote = (text) => {
  const json = JSON.stringify(text);
  return text.includes("'") ? json : `'${json.slice(1, -1).replaceAll('\\"', '"')}'`;
};

const show = (value, depth, above) => {
  switch (typeof value) {
    case "string":
      return quote(value);
    case "bigint":
      return `${value}n`;
    case "number":
      return Object.is(value, -0) ? "-0" : String(value);
    case "function":
      return `[${/^class\b/.test(Function.prototype.toString.call(value)) ? "class" : "Function"}${value.name ? ` ${value.name}` : " (anonymous)"}]`;
    case "object":
      return value === null ? "null" : showObject(value, depth, above);
    default:
      return String(value);
  }
};

const showObject = (value, depth, above) => {
  if (above.includes(value)) return "[Circular]";
  if (value instanceof Error) return errorText(value);
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? "Invalid Date" : value.toISOString();
  if (value instanceof RegExp) return String(value);
  if (value instanceof Promise) return "Promise {}";
  const name = nameOf(value);
  if (depth >= depthMax) return Array.isArray(value) ? "[Array]" : `[${name || "Object"}]`;
  const within = [...above, value];
  const inner = (item) => show(item, depth + 1, within);
  if (Array.isArray(value)) return joined("", "[", listItems(value, inner), "]", depth);
  if (ArrayBuffer.isView(value) && !(value instanceof DataView))
    return joined(`${name}(${value.length}) `, "[", listItems(value, inner), "]", depth);
  if (value instanceof Map)
    return joined(
      `Map(${value.size}) `,
      "{",
      listItems(value, ([key, item]) => `${inner(key)} => ${inner(item)}`),
      "}",
      depth,
    );
  if (value instanceof Set) return joined(`Set(${value.size}) `, "{", listItems(value, inner), "}", depth);
  return joined(name && name !== "Object" ? `${name} ` : "", "{", properties(value, inner), "}", depth);
};

const nameOf = (value) => {
  const prototype = Object.getPrototypeOf(value);
  if (prototype === null) return "[Object: null prototype]";
  return typeof prototype.constructor === "function" ? prototype.constructor.name : "";
};

const listItems = (items, inner) => {
  const out = [];
  const length = items.length ?? items.size;
  for (const item of items) {
    if (out.length === itemsMax) {
      out.push(`… ${length - itemsMax} more`);
      break;
    }
    out.push(inner(item));
  }
  return out;
};

const properties = (value, inner) =>
  Reflect.ownKeys(value)
    .map((key) => [key, Object.getOwnPropertyDescriptor(value, key)])
    .filter(([, property]) => property?.enumerable)
    .map(([key, { get, set, value: held }]) => {
      const shown = get ? (set ? "[Getter/Setter]" : "[Getter]") : set ? "[Setter]" : inner(held);
      const label =
        typeof key === "symbol" ? `[${String(key)}]` : /^[A-Za-z_$][\w$]*$/.test(key) ? key : quote(key);
      return `${label}: ${shown}`;
    });

const joined = (prefix, open, items, close, depth) => {
  if (items.length === 0) return `${prefix}${open}${close}`;
  const space = open === "{" || items.length > 0 ? " " : "";
  const line = `${prefix}${open}${space}${items.join(", ")}${space}${close}`;
  if (line.length + depth * 2 <= widthMax && !line.includes("\n")) return line;
  const indent = "  ".repeat(depth + 1);
  return `${prefix}${open}\n${items.map((item) => `${indent}${item}`).join(",\n")}\n${"  ".repeat(depth)}${close}`;
};

/** "TypeError: message", then its places in the source, then what caused it. */
export const errorText = (error, seen = []) => {
  const lines = [`${headOf(error)}`, ...stackOf(error)];
  const payload = Object.getOwnPropertyDescriptor(error, "payload");
  if (payload && typeof payload.value !== "string" && payload.value !== undefined)
    lines.push(`  payload: ${inspect(payload.value)}`);
  const { cause } = error;
  if (cause !== undefined && !seen.includes(cause))
    lines.push(
      `  caused by ${cause instanceof Error ? errorText(cause, [...seen, error]).replaceAll("\n", "\n  ") : inspect(cause)}`,
    );
  return lines.join("\n");
};

const headOf = (error) => {
  const name = String(error.name ?? "Error");
  const message = String(error.message ?? "");
  return message ? `${name}: ${message}` : name;
};
