import { fault } from "../base/fault.ts";

// Semantic versions (semver.org 2.0.0) and ranges of them, as Cargo writes ranges and wkg with it.

interface Version {
  readonly text: string;
  readonly numbers: readonly [number, number, number];
  readonly pre: readonly string[];
}

const versionPattern =
  /^(0|[1-9]\d{0,15})\.(0|[1-9]\d{0,15})\.(0|[1-9]\d{0,15})(?:-([0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?(?:\+[0-9A-Za-z.-]+)?$/;

const parseVersion = (text: string): Version | undefined => {
  const [, major, minor, patch, pre] = versionPattern.exec(text) ?? [];
  if (major === undefined) return undefined;
  return { text, numbers: [Number(major), Number(minor), Number(patch)], pre: pre?.split(".") ?? [] };
};

export const isVersion = (text: string): boolean => versionPattern.test(text);

const compareText = (a: string, b: string): number => (a < b ? -1 : Number(a > b));

/** Identifiers of a pre-release: numbers below words, numbers by value, words as ASCII. */
const comparePre = (a: readonly string[], b: readonly string[]): number => {
  if (a.length === 0 || b.length === 0) return Number(a.length === 0) - Number(b.length === 0);
  for (let at = 0; at < Math.min(a.length, b.length); at++) {
    const [left, right] = [a[at]!, b[at]!];
    const [isLeft, isRight] = [/^\d+$/.test(left), /^\d+$/.test(right)];
    const order =
      isLeft && isRight
        ? Number(left) - Number(right)
        : isLeft || isRight
          ? isLeft
            ? -1
            : 1
          : compareText(left, right);
    if (order !== 0) return order;
  }
  return a.length - b.length;
};

const compareNumbers = (a: Version["numbers"], b: Version["numbers"]): number =>
  a[0] - b[0] || a[1] - b[1] || a[2] - b[2];

const compare = (a: Version, b: Version): number =>
  compareNumbers(a.numbers, b.numbers) || comparePre(a.pre, b.pre);

/** One bound: the version lies at or above, or below, something. */
interface Comparator {
  readonly operator: ">=" | "<" | ">" | "<=";
  readonly version: Version;
}

/** Comparators that all have to hold; `exact` versions of them may be pre-releases. */
export interface Range {
  readonly text: string;
  readonly comparators: readonly Comparator[];
}

const partial =
  /^(\^|~|>=|<=|>|<|=)?\s*v?(\d{1,16}|[*xX])(?:\.(\d{1,16}|[*xX]))?(?:\.(\d{1,16}|[*xX]))?(-[0-9A-Za-z.-]+)?(?:\+[0-9A-Za-z.-]+)?$/;

/**
 * Reads a range: `1.2` and `^1.2` are compatible with 1.2, `~1.2.3` takes patches, `=1.2.3` that one, `1.*`, `*`,
 * and `>=1.2, <2` all of several. A full version alone is that version: `acme:tool@1.2.3` names one thing.
 * Fault: LK0102.
 */
export const parseRange = (text: string): Range => {
  const parts = text.split(",").map((part) => part.trim());
  const alone = parts.length === 1 && isVersion(parts[0]!);
  if (parts.length > 16) throw noRange(text);
  return { text, comparators: parts.flatMap((part) => comparatorsOf(alone ? `=${part}` : part, text)) };
};

const noRange = (text: string) =>
  fault("LK0102", `"${text.slice(0, 100)}" is no range of versions`, {
    hint: "write 1.2.3, ^1.2, ~1.2.3, 1.*, * or >=1.2, <2",
  });

const comparatorsOf = (part: string, text: string): Comparator[] => {
  const [, operator = "^", ...rest] = partial.exec(part) ?? [];
  const pre = rest[3]?.slice(1).split(".") ?? [];
  const numbers = rest
    .slice(0, 3)
    .map((number) => (number === undefined || /[*xX]/.test(number) ? undefined : Number(number)));
  if (
    rest.length === 0 ||
    numbers.some((number, at) => number !== undefined && at > 0 && numbers[at - 1] === undefined)
  )
    throw noRange(text);
  const [major, minor, patch] = numbers;
  if (pre.length > 0 && patch === undefined) throw noRange(text);
  const at = (numbers: Version["numbers"], its: readonly string[] = []): Version => ({
    text: "",
    numbers,
    pre: its,
  });
  if (major === undefined) {
    if (operator !== "^" && operator !== "=") throw noRange(text);
    return [{ operator: ">=", version: at([0, 0, 0]) }];
  }
  const from = at([major, minor ?? 0, patch ?? 0], pre);
  const wild = /[*xX]/.test(part.replace(/-.*$/, ""));
  // The first version after everything that the written numbers cover.
  const after = at(
    minor === undefined
      ? [major + 1, 0, 0]
      : patch === undefined
        ? [major, minor + 1, 0]
        : [major, minor, patch + 1],
  );
  if (operator === ">=") return [{ operator, version: from }];
  if (operator === "<") return [{ operator, version: from }];
  if (operator === ">")
    return [patch === undefined ? { operator: ">=", version: after } : { operator, version: from }];
  if (operator === "<=")
    return [patch === undefined ? { operator: "<", version: after } : { operator, version: from }];
  if (operator === "=" && patch !== undefined)
    return [
      { operator: ">=", version: from },
      { operator: "<=", version: from },
    ];
  if (operator === "=" || (wild && operator === "^"))
    return [
      { operator: ">=", version: from },
      { operator: "<", version: after },
    ];
  if (operator === "~")
    return [
      { operator: ">=", version: from },
      { operator: "<", version: at(minor === undefined ? [major + 1, 0, 0] : [major, minor + 1, 0]) },
    ];
  const end: Version["numbers"] =
    major > 0 || minor === undefined
      ? [major + 1, 0, 0]
      : minor > 0 || patch === undefined
        ? [0, minor + 1, 0]
        : [0, 0, patch + 1];
  return [
    { operator: ">=", version: from },
    { operator: "<", version: at(end) },
  ];
};

const holds = ({ operator, version }: Comparator, candidate: Version): boolean => {
  const order = compare(candidate, version);
  if (operator === ">=") return order >= 0;
  if (operator === "<") return order < 0;
  return operator === ">" ? order > 0 : order <= 0;
};

const fits = ({ comparators }: Range, candidate: Version): boolean =>
  comparators.every((one) => holds(one, candidate)) &&
  // A pre-release is chosen by who asks for one of the same numbers, and by nobody else.
  (candidate.pre.length === 0 ||
    comparators.some(
      ({ version }) => version.pre.length > 0 && compareNumbers(version.numbers, candidate.numbers) === 0,
    ));

/** The newest of some versions that lies in a range; what is no version is passed over. */
export const newestIn = (range: Range, versions: Iterable<string>): string | undefined => {
  let best: Version | undefined;
  for (const text of versions) {
    const candidate = parseVersion(text);
    if (candidate && fits(range, candidate) && (!best || compare(candidate, best) > 0)) best = candidate;
  }
  return best?.text;
};

/** Versions, the newest first; what is none is left out. */
export const newestFirst = (texts: Iterable<string>): string[] =>
  [...texts]
    .map(parseVersion)
    .filter((version) => version !== undefined)
    .sort((a, b) => compare(b, a))
    .map(({ text }) => text);
