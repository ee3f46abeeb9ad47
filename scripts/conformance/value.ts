import { camel } from "../../src/contract/model.ts";
import { isTaggedOption, type ValueType } from "../../src/host/link/type.ts";
import { atomOf, headOf, type List, type Node, stringOf } from "./read.ts";

// Constants of .wast scripts as values in the JS mapping, and the comparison of results with them.

/** A constant that a result is compared with; patterns of NaN match any NaN. */
export const constant = (node: Node, type: ValueType | undefined): unknown => {
  const head = headOf(node) ?? "";
  const items = node.kind === "list" ? node.items.slice(1) : [];
  switch (head) {
    case "bool.const":
      return atomOf(items[0]) === "true";
    case "char.const":
      return stringOf(items[0]);
    case "str.const":
      return stringOf(items[0]);
    case "u64.const":
    case "s64.const":
    case "i64.const":
      return BigInt.asIntN(head === "u64.const" ? 65 : 64, integer(atomOf(items[0])!));
    case "f32.const":
    case "f64.const":
      return head === "f32.const" ? Math.fround(float(atomOf(items[0])!)) : float(atomOf(items[0])!);
    default:
      return /^[iusf]\d+\.const$/.test(head)
        ? Number(integer(atomOf(items[0])!))
        : compound(head, items, type);
  }
};

const compound = (head: string, items: readonly Node[], type: ValueType | undefined): unknown => {
  switch (head) {
    case "list.const":
    case "tuple.const":
    case "map.const":
      return sequence(items, type);
    case "record.const":
      return Object.fromEntries(items.map((item) => field(item as List, type)));
    case "flags.const": {
      const set = new Set(items.map(stringOf));
      const labels = type?.kind === "flags" ? type.labels : [];
      return Object.fromEntries(labels.map((label) => [camel(label), set.has(label)]));
    }
    case "enum.const":
      return stringOf(items[0]);
    case "variant.const":
    case "option.none":
    case "option.some":
    case "result.ok":
    case "result.err":
      return variant(head, items, type);
    default:
      throw new Error(`No value is written "${head}"`);
  }
};

const sequence = (items: readonly Node[], type: ValueType | undefined): unknown => {
  if (type?.kind === "tuple") return items.map((item, i) => constant(item, type.fields[i]?.type));
  if (type?.kind === "map")
    return new Map(items.map((item) => constant(asTuple(item as List), type.entry) as [unknown, unknown]));
  const element = type?.kind === "list" || type?.kind === "array" ? type.element : undefined;
  return items.map((item) => constant(item, element));
};

/** A map's entry may be written as a bare pair. */
const asTuple = (item: List): Node =>
  headOf(item) === "tuple.const"
    ? item
    : { ...item, items: [{ kind: "atom", text: "tuple.const", start: 0, end: 0 }, ...item.items] };

const field = (item: List, type: ValueType | undefined): [string, unknown] => {
  const key = camel(stringOf(item.items[1])!);
  const inner = type?.kind === "record" ? type.fields.find((one) => one.key === key)?.type : undefined;
  // The value of a field may be written without its own parentheses.
  const value = atomOf(item.items[2]) ? { ...item, items: item.items.slice(2) } : item.items[2]!;
  return [key, constant(value, inner)];
};

const variant = (head: string, items: readonly Node[], type: ValueType | undefined): unknown => {
  const tag = head === "variant.const" ? stringOf(items[0])! : head.slice(head.indexOf(".") + 1);
  const payload = head === "variant.const" ? items[1] : items[0];
  const cases = type && "cases" in type ? type : undefined;
  const inner = cases?.cases.find((one) => one.name === tag)?.type;
  const value = payload ? constant(payload, inner) : undefined;
  if (cases?.kind === "option" && !isTaggedOption(cases)) return value;
  return payload ? { tag, val: value } : { tag };
};

const integer = (text: string): bigint => {
  const plain = text.replaceAll("_", "");
  return plain.startsWith("-") ? -BigInt(plain.slice(1)) : BigInt(plain.replace(/^\+/, ""));
};

const float = (text: string): number => {
  const plain = text.replaceAll("_", "");
  const negative = plain.startsWith("-");
  const size = plain.replace(/^[+-]/, "");
  if (size.startsWith("nan")) return Number.NaN;
  const value =
    size === "inf" ? Number.POSITIVE_INFINITY : size.startsWith("0x") ? hexFloat(size) : Number(size);
  return negative ? -value : value;
};

const hexFloat = (text: string): number => {
  const match = /^0x([0-9a-f]*)\.?([0-9a-f]*)(?:p([+-]?\d+))?$/i.exec(text);
  if (!match) throw new Error(`No number is written "${text}"`);
  const [, whole = "", fraction = "", exponent = "0"] = match;
  const digits = Number.parseInt(`0${whole}${fraction}`, 16);
  return digits * 2 ** (Number(exponent) - 4 * fraction.length);
};

/** Whether a result is the value that was expected; any NaN equals any NaN, and -0 is not 0. */
export const equal = (left: unknown, right: unknown): boolean => {
  if (Object.is(left, right)) return true;
  if (typeof left !== "object" || typeof right !== "object" || !left || !right) return false;
  if (left instanceof Map && right instanceof Map) return equal([...left], [...right]);
  if (isSequence(left) && isSequence(right))
    return left.length === right.length && Array.from(left).every((one, i) => equal(one, right[i]));
  const keys = new Set([...Object.keys(left), ...Object.keys(right)]);
  return [...keys].every((key) =>
    equal((left as Record<string, unknown>)[key], (right as Record<string, unknown>)[key]),
  );
};

const isSequence = (value: object): value is ArrayLike<unknown> & object =>
  Array.isArray(value) || ArrayBuffer.isView(value);

export const show = (value: unknown): string =>
  JSON.stringify(value, (_key, one) =>
    typeof one === "bigint"
      ? `${one}n`
      : ArrayBuffer.isView(one)
        ? Array.from(one as never)
        : Number.isNaN(one)
          ? "NaN"
          : one,
  ) ?? "nothing";
