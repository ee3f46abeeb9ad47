import { nearest } from "../../base/suggest.ts";
import { camel, type Field, type Func, type Type } from "../model.ts";
import { integerRanges, isOption, numberArrays, typeText } from "../type.ts";
import { type WaveNode, waveFault } from "./node.ts";

/** Where in a call a value stands: "argument 2 (`user`), field `age`", outermost first. */
type Path = readonly string[];
type Of<K extends WaveNode["kind"]> = Extract<WaveNode, { kind: K }>;
type TypeOf<K extends Type["kind"]> = Extract<Type, { kind: K }>;

/**
 * The arguments of `func` in the JS mapping. Options at the end may be left out. LK0206 names the argument and
 * the path inside it, what was wanted and what was written.
 */
export const toArguments = (args: readonly WaveNode[], func: Func, call: WaveNode["span"]): unknown[] => {
  const surplus = args[func.params.length];
  if (surplus)
    throw waveFault(
      "LK0206",
      surplus.span,
      `${signature(func)} takes ${count(func.params.length)}, not ${args.length}`,
      {
        what: wrongValue,
      },
    );
  return func.params.map((param, index) => {
    const node = args[index];
    if (node) return convert(node, param.type, [`argument ${index + 1} (\`${param.name}\`)`]);
    if (isOption(param.type)) return absent(param.type);
    throw waveFault(
      "LK0206",
      call,
      `${signature(func)} needs its argument ${index + 1} (\`${param.name}\`)`,
      {
        what: wrongValue,
      },
    );
  });
};

/** One value in the JS mapping. LK0206. */
export const toValue = (node: WaveNode, type: Type): unknown => convert(node, type, []);

const wrongValue = "The value does not fit";
const count = (n: number): string => (n === 0 ? "no arguments" : n === 1 ? "1 argument" : `${n} arguments`);

const signature = (func: Func): string =>
  `${func.name}(${func.params.map((param) => `${param.name}: ${typeText(param.type)}`).join(", ")})`;

/** `none`; an option inside an option is spelled as a variant, for undefined cannot say which is absent. */
const absent = (type: TypeOf<"option">): unknown => (isOption(type.element) ? { tag: "none" } : undefined);

const convert = (node: WaveNode, type: Type, path: Path): unknown => {
  switch (type.kind) {
    case "bool":
      if (
        node.kind === "label" &&
        node.keyword &&
        !node.payload &&
        (node.name === "true" || node.name === "false")
      )
        return node.name === "true";
      throw misfit(node, type, path);
    case "f32":
    case "f64":
      return toFloat(expect(node, "number", type, path), type.kind);
    case "char":
    case "string":
      return expect(node, type.kind, type, path).value;
    case "list":
      return toList(expect(node, "list", type, path), type, path);
    case "map":
      return toMap(expect(node, "list", type, path), type, path);
    case "option":
      return toOption(node, type, path);
    case "result":
      return toResult(node, type, path);
    case "tuple":
      return toTuple(expect(node, "tuple", type, path), type, path);
    case "record":
      return toRecord(node, type, path);
    case "variant":
      return toVariant(node, type, path);
    case "enum":
      return caseOf(node, type.cases, type, path).name;
    case "flags":
      return toFlags(expect(node, "flags", type, path), type, path);
    case "own":
    case "borrow":
    case "stream":
    case "future":
    case "error-context":
      throw waveFault("LK0206", node.span, `${at(path)}WAVE has no way to write ${article(typeText(type))}`, {
        what: wrongValue,
        hint: "Call this function from a component that imports it",
      });
    default:
      return toInteger(expect(node, "number", type, path), type.kind, path);
  }
};

const toInteger = (node: Of<"number">, kind: keyof typeof integerRanges, path: Path): number | bigint => {
  if (!/^-?[0-9]+$/.test(node.number)) throw misfit(node, { kind }, path);
  const [least, most] = integerRanges[kind];
  // The text may be a megabyte of digits: no integer of 21 characters or more is in any range.
  const value = node.number.length > 20 ? undefined : BigInt(node.number);
  if (value === undefined || value < least || value > most)
    throw misfit(node, { kind }, path, `${article(kind)} from ${least} to ${most}`);
  return kind === "u64" || kind === "s64" ? value : Number(value);
};

const toFloat = (node: Of<"number">, kind: "f32" | "f64"): number => {
  const special: Record<string, number> = { nan: Number.NaN, inf: Infinity, "-inf": -Infinity };
  const value = special[node.number] ?? Number(node.number);
  return kind === "f32" ? Math.fround(value) : value;
};

const toList = (node: Of<"list" | "tuple">, type: TypeOf<"list">, path: Path): unknown => {
  if (type.length !== undefined && node.elements.length !== type.length)
    throw misfit(node, type, path, `a list of exactly ${type.length}`, `one of ${node.elements.length}`);
  const values = node.elements.map((element, index) =>
    convert(element, type.element, [...path, `element ${index + 1}`]),
  );
  // Lists of a fixed length are tuples in the JS mapping, whatever is in them.
  if (type.length !== undefined || !(type.element.kind in numberArrays)) return values;
  const TypedArray = numberArrays[type.element.kind as keyof typeof numberArrays];
  return (TypedArray as { from(values: unknown[]): unknown }).from(values);
};

/** Maps are not in WAVE yet; a list of pairs is how they travel. */
const toMap = (node: Of<"list" | "tuple">, type: TypeOf<"map">, path: Path): Map<unknown, unknown> => {
  const pair: Type = { kind: "tuple", elements: [type.key, type.value] };
  return new Map(toList(node, { kind: "list", element: pair }, path) as [unknown, unknown][]);
};

const isCase = (node: WaveNode, ...names: string[]): node is Of<"label"> =>
  node.kind === "label" && node.keyword && names.includes(node.name);

const toOption = (node: WaveNode, type: TypeOf<"option">, path: Path): unknown => {
  if (isCase(node, "none") && !node.payload) return absent(type);
  let value: unknown;
  if (isCase(node, "some") && node.payload) value = convert(node.payload, type.element, path);
  else if (isCase(node, "some", "none") || !flattenable(type.element)) throw misfit(node, type, path);
  else value = convert(node, type.element, path);
  return isOption(type.element) ? { tag: "some", val: value } : value;
};

/** WAVE lets `some` and `ok` be left out, but not where the payload has `some`, `none`, `ok` or `err` itself. */
const flattenable = (type: Type): boolean => type.kind !== "option" && type.kind !== "result";

const toResult = (node: WaveNode, type: TypeOf<"result">, path: Path): unknown => {
  if (isCase(node, "ok", "err")) {
    const tag = node.name as "ok" | "err";
    return tagged(tag, payload(node, type[tag], type, path));
  }
  if (!type.ok || !flattenable(type.ok)) throw misfit(node, type, path);
  return tagged("ok", convert(node, type.ok, path));
};

const tagged = (tag: string, val: unknown): { tag: string; val?: unknown } =>
  val === undefined ? { tag } : { tag, val };

/** The payload of a case, there exactly where the type has one. */
const payload = (node: Of<"label">, wanted: Type | undefined, type: Type, path: Path): unknown => {
  if (!wanted === !node.payload)
    return wanted && node.payload
      ? convert(node.payload, wanted, [...path, `case \`${node.name}\``])
      : undefined;
  const form = wanted
    ? `${node.name}(…) with ${article(typeText(wanted))}`
    : `${node.name} without a payload`;
  throw misfit(node, type, path, form);
};

const toTuple = (node: Of<"tuple" | "list">, type: TypeOf<"tuple">, path: Path): unknown[] => {
  if (node.elements.length !== type.elements.length)
    throw misfit(node, type, path, typeText(type), `one of ${node.elements.length}`);
  return type.elements.map((element, index) =>
    convert(node.elements[index]!, element, [...path, `element ${index + 1}`]),
  );
};

const toRecord = (node: WaveNode, type: TypeOf<"record">, path: Path): Record<string, unknown> => {
  const { fields } = expect(node, "record", type, path);
  for (const { label } of fields)
    if (!type.fields.some((field) => field.name === label.name))
      throw unknown(
        label,
        "field",
        type.fields.map((field) => field.name),
        type,
        path,
      );
  return Object.fromEntries(
    type.fields.map((field) => {
      const given = fields.find(({ label }) => label.name === field.name);
      const value = given
        ? convert(given.value, field.type, inField(path, field))
        : missing(node, field, type, path);
      return [camel(field.name), value];
    }),
  );
};

const inField = (path: Path, field: Field): Path => [...path, `field \`${field.name}\``];

const missing = (node: WaveNode, field: Field, type: Type, path: Path): unknown => {
  if (isOption(field.type)) return absent(field.type);
  const message = `${at(path)}${typeText(type)} needs its field \`${field.name}\` (${typeText(field.type)})`;
  throw waveFault("LK0206", node.span, message, { what: wrongValue });
};

const toVariant = (node: WaveNode, type: TypeOf<"variant">, path: Path): unknown => {
  const found = caseOf(
    node,
    type.cases.map((item) => item.name),
    type,
    path,
  );
  const wanted = type.cases.find((item) => item.name === found.name)!.type;
  return tagged(found.name, payload(found, wanted, type, path));
};

/** The label of a variant or an enum, one of its cases; an enum's has no payload. */
const caseOf = (node: WaveNode, names: readonly string[], type: Type, path: Path): Of<"label"> => {
  if (node.kind !== "label" || (type.kind === "enum" && node.payload)) throw misfit(node, type, path);
  if (!names.includes(node.name)) throw unknown(node, "case", names, type, path);
  if (node.keyword)
    throw waveFault("LK0206", node.span, `${at(path)}the case ${node.name} is a word of WAVE's own`, {
      what: wrongValue,
      hint: `Write %${node.name}`,
    });
  return node;
};

const toFlags = (node: Of<"flags">, type: TypeOf<"flags">, path: Path): Record<string, boolean> => {
  for (const flag of node.flags)
    if (!type.flags.includes(flag.name)) throw unknown(flag, "flag", type.flags, type, path);
  const given = new Set(node.flags.map((flag) => flag.name));
  return Object.fromEntries(type.flags.map((flag) => [camel(flag), given.has(flag)]));
};

const unknown = (
  written: { name: string; span: WaveNode["span"] },
  what: string,
  known: readonly string[],
  type: Type,
  path: Path,
) => {
  const near = nearest(written.name, known);
  const message = `${at(path)}${typeText(type)} has no ${what} \`${written.name}\`; it has ${known.join(", ")}`;
  return waveFault("LK0206", written.span, message, {
    what: wrongValue,
    hint: near && `Write ${near}`,
  });
};

const expect = <K extends WaveNode["kind"]>(node: WaveNode, kind: K, type: Type, path: Path): Of<K> => {
  if (node.kind === kind) return node as Of<K>;
  throw misfit(node, type, path);
};

const at = (path: Path): string => (path.length === 0 ? "" : `${path.join(", ")}: `);
const article = (text: string): string =>
  `${/^(?:[aeio]|s8|s16|s32|s64|f32|f64)/.test(text) ? "an" : "a"} ${text}`;

const nodeNames: Readonly<Record<WaveNode["kind"], string>> = {
  number: "the number",
  char: "the char",
  string: "the string",
  label: "the word",
  tuple: "the tuple",
  list: "the list",
  record: "the record",
  flags: "the flags",
};

const examples: Readonly<Partial<Record<Type["kind"], string>>> = {
  bool: "true or false",
  char: "'x'",
  string: '"text" (in the shell, put the whole call in single quotes)',
  list: "[a, b]",
  map: "[(key, value)]",
  option: "none or some(…)",
  result: "ok(…) or err(…)",
  tuple: "(a, b)",
  flags: "{a, b} or {}",
};

const hintFor = (node: WaveNode, type: Type): string | undefined => {
  if (type.kind === "record")
    return type.fields.length > 0 && node.kind === "flags" && node.flags.length === 0
      ? "The record without fields is written {:}"
      : `Write {${type.fields.map((field) => `${field.name}: …`).join(", ")}}`;
  if (type.kind === "enum") return `Write one of ${type.cases.join(", ")}`;
  if (type.kind === "variant")
    return `Write one of ${type.cases.map((c) => (c.type ? `${c.name}(…)` : c.name)).join(", ")}`;
  const example = examples[type.kind];
  return example && `Write ${example}`;
};

const misfit = (node: WaveNode, type: Type, path: Path, wanted?: string, written?: string) => {
  const { text, start, end } = node.span;
  const source = text.slice(start, end);
  const short = source.length > 40 ? `${source.slice(0, 40).toWellFormed()}…` : source;
  const found = written ?? `${nodeNames[node.kind]} ${short.replace(/\s+/g, " ")}`;
  const message = `${at(path)}${wanted ?? article(typeText(type))} is wanted, ${found} is written`;
  return waveFault("LK0206", node.span, message, { what: wrongValue, hint: hintFor(node, type) });
};
