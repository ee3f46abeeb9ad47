import { camel, type Type } from "../model.ts";
import { isOption, typeText } from "../type.ts";
import { keywords } from "./node.ts";

/**
 * A value of the JS mapping as canonical WAVE, on one line: `some`, `ok` and `err` are written out, absent fields
 * are left out, and what a terminal could misread (control, format and combining characters) is escaped. A
 * result is `{tag, val}` here, at the top as well. Throws where the value is not of the type: that is a bug.
 */
export const printValue = (value: unknown, type: Type): string => {
  switch (type.kind) {
    case "bool":
      return value ? "true" : "false";
    case "f32":
    case "f64":
      return printFloat(value as number, type.kind);
    case "char":
      return `'${escaped(value as string)}'`;
    case "string":
      return `"${escaped(value as string)}"`;
    case "list":
      return `[${Array.from(value as Iterable<unknown>, (item) => printValue(item, type.element)).join(", ")}]`;
    case "map":
      return `[${Array.from(value as Map<unknown, unknown>, ([key, item]) => `(${printValue(key, type.key)}, ${printValue(item, type.value)})`).join(", ")}]`;
    case "option":
      return printOption(value, type);
    case "tuple":
      return `(${type.elements.map((element, index) => printValue((value as unknown[])[index], element)).join(", ")})`;
    case "record":
      return printRecord(value as Record<string, unknown>, type);
    case "result": {
      const { tag, val } = value as { tag: "ok" | "err"; val?: unknown };
      return printCase(tag, val, type[tag]);
    }
    case "variant": {
      const { tag, val } = value as { tag: string; val?: unknown };
      const found = type.cases.find((item) => item.name === tag);
      if (!found) throw new TypeError(`${typeText(type)} has no case ${tag}`);
      return printCase(unreserved(tag), val, found.type);
    }
    case "enum":
      return unreserved(value as string);
    case "flags":
      return `{${type.flags.filter((flag) => (value as Record<string, boolean>)[camel(flag)]).join(", ")}}`;
    case "own":
    case "borrow":
    case "stream":
    case "future":
    case "error-context":
      // WAVE has no notation for these: a person sees what it is, and no parser takes it for a value.
      return `<${typeText(type)}>`;
    default:
      return String(value);
  }
};

const printOption = (value: unknown, type: Extract<Type, { kind: "option" }>): string => {
  if (!isOption(type.element))
    return value === undefined || value === null ? "none" : `some(${printValue(value, type.element)})`;
  const { tag, val } = value as { tag: "some" | "none"; val?: unknown };
  return tag === "none" ? "none" : `some(${printValue(val, type.element)})`;
};

const printRecord = (value: Record<string, unknown>, type: Extract<Type, { kind: "record" }>): string => {
  const parts: string[] = [];
  for (const field of type.fields) {
    const text = printValue(value[camel(field.name)], field.type);
    if (field.type.kind !== "option" || text !== "none") parts.push(`${field.name}: ${text}`);
  }
  return parts.length === 0 ? "{:}" : `{${parts.join(", ")}}`;
};

const printCase = (name: string, val: unknown, type: Type | undefined): string =>
  type ? `${name}(${printValue(val, type)})` : name;

const unreserved = (name: string): string => (keywords.has(name) ? `%${name}` : name);

const printFloat = (value: number, kind: "f32" | "f64"): string => {
  if (Number.isNaN(value)) return "nan";
  if (!Number.isFinite(value)) return value > 0 ? "inf" : "-inf";
  if (Object.is(value, -0)) return "-0";
  if (kind === "f64") return String(value);
  // The shortest decimal that is still this float: nine digits always suffice.
  for (let digits = 1; digits < 9; digits++) {
    const short = Number(value.toPrecision(digits));
    if (Math.fround(short) === value) return String(short);
  }
  return String(Number(value.toPrecision(9)));
};

const named: Readonly<Record<string, string>> = {
  "\\": "\\\\",
  '"': '\\"',
  "'": "\\'",
  "\t": "\\t",
  "\n": "\\n",
  "\r": "\\r",
};

/** Everything that shows as itself stays; separators other than the space do not. */
const hidden = /[\\"']|[\p{C}\p{Zl}\p{Zp}\p{Grapheme_Extend}]|(?! )\p{Zs}/gu;

const escaped = (text: string): string =>
  text.replace(hidden, (char) => named[char] ?? `\\u{${char.codePointAt(0)!.toString(16)}}`);
