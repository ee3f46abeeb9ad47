// Validates a parsed document against a JSON Schema, of which it knows what loop.toml's needs and no more: a
// keyword that is neither checked nor a note for people is a bug in the schema, and is thrown as one.
import { nearest } from "../suggest.ts";
import type { KeyPath } from "./lines.ts";

/** The subset of JSON Schema (draft-07) that is understood. */
export interface Schema {
  readonly $schema?: string;
  readonly $ref?: string;
  readonly title?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly examples?: readonly unknown[];
  readonly definitions?: Readonly<Record<string, Schema>>;
  readonly type?: TypeName | readonly TypeName[];
  readonly enum?: readonly unknown[];
  readonly pattern?: string;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly items?: Schema;
  readonly minItems?: number;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: boolean | Schema;
  readonly propertyNames?: Schema;
  readonly dependencies?: Readonly<Record<string, readonly string[]>>;
  /** Ours: what was looked for, in words, where a pattern would have to be shown. */
  readonly "x-expected"?: string;
}

type TypeName = "string" | "boolean" | "integer" | "number" | "array" | "object";

export type Problem =
  | {
      readonly kind: "unknown";
      readonly path: KeyPath;
      readonly known: readonly string[];
      readonly near?: string;
    }
  | { readonly kind: "missing"; readonly path: KeyPath; readonly key: string; readonly because?: string }
  | { readonly kind: "wrong"; readonly path: KeyPath; readonly found: string; readonly expected: string };

const understood = new Set(
  (
    "$schema $ref title description default examples definitions type enum pattern minLength maxLength items " +
    "minItems properties required additionalProperties propertyNames dependencies x-expected"
  ).split(" "),
);

/** Nesting of a value; a free-form table is handed on as JSON, and writing JSON recurses. */
export const depthMax = 32;

/** All problems of a value, in the schema's order. Values are smol-toml's: tables, arrays and scalars. */
export const check = (value: unknown, root: Schema): readonly Problem[] => {
  const problems: Problem[] = [];
  new Checker(root, problems).value(value, root, []);
  return problems;
};

class Checker {
  readonly #root: Schema;
  readonly #problems: Problem[];

  constructor(root: Schema, problems: Problem[]) {
    this.#root = root;
    this.#problems = problems;
  }

  value(value: unknown, written: Schema, path: KeyPath): void {
    const schema = this.#follow(written);
    const wrong = mismatch(value, schema, path.length);
    if (wrong !== undefined)
      this.#problems.push({ kind: "wrong", path, found: describe(value), expected: wrong });
    else if (Array.isArray(value))
      for (const [at, element] of value.entries()) this.value(element, schema.items ?? {}, [...path, at]);
    else if (isTable(value)) this.#table(value, schema, path);
  }

  #table(table: Record<string, unknown>, schema: Schema, path: KeyPath): void {
    const properties = schema.properties ?? {};
    for (const [key, value] of Object.entries(table)) {
      const inner = Object.hasOwn(properties, key) ? properties[key]! : schema.additionalProperties;
      if (inner === false) this.#unknown(table, Object.keys(properties), [...path, key]);
      else if (this.#named(key, schema.propertyNames, path))
        this.value(value, typeof inner === "object" ? inner : {}, [...path, key]);
    }
    for (const key of schema.required ?? [])
      if (!Object.hasOwn(table, key)) this.#problems.push({ kind: "missing", path, key });
    for (const [because, keys] of Object.entries(schema.dependencies ?? {}))
      for (const key of keys)
        if (Object.hasOwn(table, because) && !Object.hasOwn(table, key))
          this.#problems.push({ kind: "missing", path, key, because });
  }

  #unknown(table: Record<string, unknown>, known: readonly string[], path: KeyPath): void {
    const near = nearest(
      String(path.at(-1)),
      known.filter((name) => !Object.hasOwn(table, name)),
    );
    this.#problems.push({ kind: "unknown", path, known, ...(near && { near }) });
  }

  #named(key: string, names: Schema | undefined, path: KeyPath): boolean {
    const expected = names && mismatch(key, names, 0);
    if (expected === undefined) return true;
    this.#problems.push({ kind: "wrong", path: [...path, key], found: `named ${describe(key)}`, expected });
    return false;
  }

  #follow(schema: Schema): Schema {
    for (const keyword of Object.keys(schema))
      if (!understood.has(keyword)) throw new Error(`The schema's keyword ${keyword} is not checked`);
    if (schema.$ref === undefined) return schema;
    const target = this.#root.definitions?.[schema.$ref.replace("#/definitions/", "")];
    if (!target) throw new Error(`The schema has no ${schema.$ref}`);
    return this.#follow(target);
  }
}

/** What was looked for, in words, where the value itself (not what is in it) does not fit; else undefined. */
const mismatch = (value: unknown, schema: Schema, depth: number): string | undefined => {
  if (depth > depthMax) return `nesting of at most ${depthMax} levels`;
  if (typeof value === "number" && !Number.isFinite(value)) return "a finite number";
  if (value instanceof Date) return `${wanted(schema)} (a date is written as a string)`;
  const types = typeof schema.type === "string" ? [schema.type] : schema.type;
  if (types && !types.some((type) => isOf(value, type))) return wanted(schema);
  if (schema.enum && !schema.enum.includes(value)) return wanted(schema);
  if (typeof value === "string") return stringMismatch(value, schema);
  if (Array.isArray(value) && value.length < (schema.minItems ?? 0)) return "a list that is not empty";
  return undefined;
};

const stringMismatch = (value: string, schema: Schema): string | undefined => {
  if (schema.maxLength !== undefined && value.length > schema.maxLength)
    return `at most ${schema.maxLength} characters`;
  if (value.length < (schema.minLength ?? 0)) return "a text that is not empty";
  if (schema.pattern !== undefined && !new RegExp(schema.pattern).test(value)) return wanted(schema);
  return undefined;
};

const isTable = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Date);

const isOf = (value: unknown, type: TypeName): boolean => {
  if (type === "array") return Array.isArray(value);
  if (type === "object") return isTable(value);
  if (type === "integer") return Number.isInteger(value);
  return typeof value === type;
};

const typeWords: Record<TypeName, string> = {
  string: "a string",
  boolean: "true or false",
  integer: "an integer",
  number: "a number",
  array: "a list",
  object: "a table",
};

const wanted = (schema: Schema): string => {
  if (schema["x-expected"]) return schema["x-expected"];
  if (schema.enum) return `one of ${schema.enum.map((value) => JSON.stringify(value)).join(", ")}`;
  const types = typeof schema.type === "string" ? [schema.type] : (schema.type ?? []);
  return (
    types.map((type) => typeWords[type]).join(" or ") ||
    "a string, a number, true or false, a list or a table"
  );
};

const shownMax = 40;

const describe = (value: unknown): string => {
  if (typeof value === "string")
    return JSON.stringify(value.length > shownMax ? `${value.slice(0, shownMax)}…` : value);
  if (Array.isArray(value)) return "a list";
  if (value instanceof Date) return "a date";
  return isTable(value) ? "a table" : String(value);
};
