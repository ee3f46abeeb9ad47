// Does a component fit a contract? Structure against structure, with a typed answer for everything that differs.
// Refuses nothing and loads nothing: two worlds in, differences out; names match by semver, types by structure.
// Called by slots when they are filled or swapped, by `loop inspect` and by the tests of every contract.
import type { Extern, Field, Func, Interface, ResourceType, Type, World } from "./model.ts";
import { unversioned } from "./model.ts";
import { matchInterface, otherVersions } from "./semver.ts";
import { typeText } from "./type.ts";

export type Member = "field" | "case" | "flag";

/** What differs, always as wanted by the contract and as offered by the component. */
export type Problem =
  /** `others` are other versions of the same interface that the component exports, newest first. */
  | { readonly kind: "missing-export"; readonly others: readonly string[] }
  | { readonly kind: "extern-kind"; readonly wanted: Extern["kind"]; readonly offered: Extern["kind"] }
  | { readonly kind: "missing-function" }
  | { readonly kind: "async"; readonly wanted: boolean }
  | {
      readonly kind: "parameter-count";
      readonly wanted: readonly Field[];
      readonly offered: readonly Field[];
    }
  | { readonly kind: "parameter-name"; readonly wanted: string; readonly offered: string }
  | { readonly kind: "missing-member" | "extra-member"; readonly member: Member; readonly name: string }
  | {
      readonly kind: "member-order";
      readonly member: Member;
      readonly wanted: readonly string[];
      readonly offered: readonly string[];
    }
  /** Undefined stands for no type: a case without payload, a function without result. */
  | { readonly kind: "type"; readonly wanted: Type | undefined; readonly offered: Type | undefined };

export interface Difference {
  /** The export as the contract names it. */
  readonly export: string;
  /** The function inside it, or undefined where the export itself is what differs. */
  readonly func: string | undefined;
  /** From the function to the place: ["parameter `invocation`", "field `json`"]. */
  readonly path: readonly string[];
  readonly problem: Problem;
}

type Report = (path: readonly string[], problem: Problem) => void;

/**
 * All that keeps `offered` from fitting the contract `wanted`: each export of the contract must be there, under
 * the same name or a semver-compatible version, with the same functions and types. More exports do no harm.
 */
export const differences = (wanted: World, offered: World): Difference[] => {
  const found: Difference[] = [];
  for (const [name, item] of wanted.exports) {
    const match = matchInterface(name, offered.exports.keys());
    if (match === undefined) {
      const others = otherVersions(name, offered.exports.keys());
      found.push({ export: name, func: undefined, path: [], problem: { kind: "missing-export", others } });
    } else found.push(...externDifferences(name, item, offered.exports.get(match)!));
  }
  return found;
};

const externDifferences = (name: string, wanted: Extern, offered: Extern): Difference[] => {
  const found: Difference[] = [];
  const reporter =
    (func: string | undefined): Report =>
    (path, problem) =>
      found.push({ export: name, func, path, problem });
  if (wanted.kind !== offered.kind)
    reporter(undefined)([], { kind: "extern-kind", wanted: wanted.kind, offered: offered.kind });
  else if (wanted.kind === "func")
    compareFuncs(wanted.func, (offered as typeof wanted).func, reporter(undefined));
  else if (wanted.kind === "interface")
    compareInterfaces(wanted.interface, (offered as typeof wanted).interface, reporter);
  else if (wanted.kind === "type")
    compareNamed(wanted.type, (offered as typeof wanted).type, reporter(undefined));
  return found;
};

const compareInterfaces = (
  wanted: Interface,
  offered: Interface,
  reporter: (func: string | undefined) => Report,
): void => {
  for (const [name, func] of wanted.funcs) {
    const other = offered.funcs.get(name);
    if (other) compareFuncs(func, other, reporter(name));
    else reporter(name)([], { kind: "missing-function" });
  }
};

const compareNamed = (
  wanted: Extract<Extern, { kind: "type" }>["type"],
  offered: Extract<Extern, { kind: "type" }>["type"],
  report: Report,
): void => {
  const plain = (type: typeof wanted): Type =>
    type.kind === "resource" ? { kind: "own", resource: type.resource } : type;
  compareTypes(plain(wanted), plain(offered), [], report);
};

const compareFuncs = (wanted: Func, offered: Func, report: Report): void => {
  if (wanted.async !== offered.async) report([], { kind: "async", wanted: wanted.async });
  if (wanted.params.length !== offered.params.length)
    report([], { kind: "parameter-count", wanted: wanted.params, offered: offered.params });
  else
    for (const [index, param] of wanted.params.entries()) {
      const other = offered.params[index]!;
      if (param.name !== other.name)
        report([], { kind: "parameter-name", wanted: param.name, offered: other.name });
      compareTypes(param.type, other.type, [`parameter \`${param.name}\``], report);
    }
  compareTypes(wanted.result, offered.result, ["result"], report);
};

const compareTypes = (
  wanted: Type | undefined,
  offered: Type | undefined,
  path: readonly string[],
  report: Report,
): void => {
  if (!wanted && !offered) return;
  if (wanted && offered && wanted.kind === offered.kind && sameHere(wanted, offered))
    compareParts(wanted, offered, path, report);
  else report(path, { kind: "type", wanted, offered });
};

/** Two types of one kind, their parts left aside. */
const sameHere = (wanted: Type, offered: Type): boolean => {
  if (wanted.kind === "list" && offered.kind === "list") return wanted.length === offered.length;
  if (wanted.kind === "tuple" && offered.kind === "tuple")
    return wanted.elements.length === offered.elements.length;
  if (wanted.kind === "own" || wanted.kind === "borrow")
    return sameResource(wanted.resource, (offered as typeof wanted).resource);
  return true;
};

/** The parts of two types of one kind. */
const compareParts = (wanted: Type, offered: Type, path: readonly string[], report: Report): void => {
  const same = <T extends Type>(_: T) => offered as T;
  const inside = (step: string, a: Type | undefined, b: Type | undefined) =>
    compareTypes(a, b, [...path, step], report);
  switch (wanted.kind) {
    case "list":
    case "option":
    case "stream":
    case "future":
      inside("element", wanted.element, same(wanted).element);
      break;
    case "map":
      inside("key", wanted.key, same(wanted).key);
      inside("value", wanted.value, same(wanted).value);
      break;
    case "result":
      inside("ok", wanted.ok, same(wanted).ok);
      inside("err", wanted.err, same(wanted).err);
      break;
    case "tuple":
      for (const [index, element] of wanted.elements.entries())
        inside(`element ${index + 1}`, element, same(wanted).elements[index]);
      break;
    case "record":
      compareMembers("field", wanted.fields, same(wanted).fields, path, report);
      break;
    case "variant":
      compareMembers("case", wanted.cases, same(wanted).cases, path, report);
      break;
    case "enum":
      compareMembers("case", wanted.cases.map(bare), same(wanted).cases.map(bare), path, report);
      break;
    case "flags":
      compareMembers("flag", wanted.flags.map(bare), same(wanted).flags.map(bare), path, report);
      break;
  }
};

interface NamedMember {
  readonly name: string;
  readonly type: Type | undefined;
}

const bare = (name: string): NamedMember => ({ name, type: undefined });

/** Order matters in all of them: a field's place, a case's number and a flag's bit are the ABI. */
const compareMembers = (
  member: Member,
  wanted: readonly NamedMember[],
  offered: readonly NamedMember[],
  path: readonly string[],
  report: Report,
): void => {
  const theirs = new Map(offered.map((item) => [item.name, item]));
  const ours = new Set(wanted.map((item) => item.name));
  const missing = wanted.filter((item) => !theirs.has(item.name));
  const extra = offered.filter((item) => !ours.has(item.name));
  for (const { name } of missing) report(path, { kind: "missing-member", member, name });
  for (const { name } of extra) report(path, { kind: "extra-member", member, name });
  const [a, b] = [wanted.map(({ name }) => name), offered.map(({ name }) => name)];
  if (missing.length + extra.length === 0 && a.some((name, index) => name !== b[index]))
    report(path, { kind: "member-order", member, wanted: a, offered: b });
  for (const { name, type } of wanted) {
    const other = theirs.get(name);
    if (other) compareTypes(type, other.type, [...path, `${member} \`${name}\``], report);
  }
};

/** Identity ends at a component's border, so across it a resource is its name and its interface. */
const sameResource = (wanted: ResourceType, offered: ResourceType): boolean => {
  if (wanted.name !== offered.name) return false;
  if (wanted.owner === undefined || offered.owner === undefined) return wanted.owner === offered.owner;
  return matchInterface(wanted.owner, [offered.owner]) !== undefined;
};

/** One difference as one clause, in WIT's words: what the contract says and what the component, or `whose` it is, says. */
export const describeIn =
  (whose: string) =>
  (difference: Difference): string => {
    const where = [
      difference.func === undefined
        ? `export \`${difference.export}\``
        : `export \`${difference.export}\` function \`${difference.func}\``,
      ...difference.path,
    ];
    const { problem } = difference;
    switch (problem.kind) {
      case "missing-export":
        return `${where.join(": ")} is missing${problem.others.length > 0 ? `; the ${whose} has ${problem.others.join(", ")}` : ""}`;
      case "extern-kind":
        return `${where.join(": ")} is ${article(problem.wanted)} in the contract and ${article(problem.offered)} in the ${whose}`;
      case "missing-function":
        return `${where.join(": ")} is missing`;
      case "async":
        return `${where.join(": ")} is ${problem.wanted ? "async" : "not async"} in the contract and ${problem.wanted ? "not async" : "async"} in the ${whose}`;
      case "parameter-count":
        return `${where.join(": ")} takes ${params(problem.wanted)} in the contract and ${params(problem.offered)} in the ${whose}`;
      case "parameter-name":
        return `${where.join(": ")}: a parameter is named \`${problem.wanted}\` in the contract and \`${problem.offered}\` in the ${whose}`;
      case "missing-member":
        return `${where.join(": ")}: ${problem.member} \`${problem.name}\` is in the contract and not in the ${whose}`;
      case "extra-member":
        return `${where.join(": ")}: ${problem.member} \`${problem.name}\` is in the ${whose} and not in the contract`;
      case "member-order":
        return `${where.join(": ")}: the ${problem.member}s are ${problem.wanted.join(", ")} in the contract and ${problem.offered.join(", ")} in the ${whose}`;
      case "type":
        return `${where.join(": ")} is ${typeName(problem.wanted, problem.offered)} in the contract and ${typeName(problem.offered, problem.wanted)} in the ${whose}`;
    }
  };

export const describeDifference = describeIn("component");

const article = (kind: Extern["kind"]): string =>
  `${/^[aeiou]/.test(kind) ? "an" : "a"} ${kind === "func" ? "function" : kind}`;

const params = (list: readonly Field[]): string =>
  list.length === 0
    ? "no parameters"
    : `(${list.map(({ name, type }) => `${name}: ${typeText(type)}`).join(", ")})`;

/** A type's name; spelled out, or with its interface, where both sides have the same name. */
const typeName = (type: Type | undefined, other: Type | undefined): string => {
  if (!type) return "nothing";
  const name = typeText(type);
  if (!other || typeText(other) !== name) return name;
  if (type.kind !== "own" && type.kind !== "borrow") return typeText(type, true);
  const owner = type.resource.owner;
  return owner === undefined ? `a resource \`${type.resource.name}\`` : `${name} of \`${owner}\``;
};

/** An import that nothing offered serves, with the other versions of it that are offered, newest first. */
export interface UnservedImport {
  readonly name: string;
  readonly others: readonly string[];
}

/**
 * The other direction: imports of `component` that none of the `offered` interface names serves, under the same
 * rule of versions. Imports of types alone ask for nothing at run time, and so count as served.
 */
export const unservedImports = (component: World, offered: Iterable<string>): UnservedImport[] => {
  const names = [...offered];
  return [...component.imports]
    .filter(([name, item]) => item.kind !== "type" && matchInterface(name, names) === undefined)
    .map(([name]) => ({ name, others: otherVersions(name, names) }));
};

/** The imports' packages and interfaces without versions, each once: "wasi:filesystem/types". */
export const importedInterfaces = (component: World): string[] => [
  ...new Set(
    [...component.imports].filter(([, item]) => item.kind === "interface").map(([name]) => unversioned(name)),
  ),
];
