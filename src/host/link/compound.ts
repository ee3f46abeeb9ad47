import { camel } from "../../contract/model.ts";
import { property, quoted } from "./code.ts";
import { type GuestTarget, type Moving, type Source, type Target, widened } from "./place.ts";
import { putRaw, raw } from "./scalar.ts";
import {
  type Case,
  discriminantSize,
  type Field,
  fieldOffsets,
  flagsSize,
  isTaggedOption,
  type Of,
  payloadOffset,
} from "./type.ts";

// Code that moves records, tuples, variants of all kinds, enums and flags.

const member = (value: string, key: string): string =>
  /^[A-Za-z_$][\w$]*$/.test(key) ? `${value}.${key}` : `${value}[${/^\d+$/.test(key) ? key : quoted(key)}]`;

export const moveFields = (
  moving: Moving,
  type: Of<"record" | "tuple">,
  from: Source,
  to: Target,
): string[] => {
  const { code } = moving;
  const { fields } = type;
  const value = from.kind === "js" ? code.bind(from.value) : "";
  if (from.kind === "js")
    code.line(`if (${value} === null || typeof ${value} !== "object") K.misfit("${type.kind}", ${value});`);
  const offsets = fieldOffsets(fields);
  const moved = fields.map(({ key, type }: Field, i) => {
    const source: Source =
      from.kind === "js"
        ? { kind: "js", value: member(value, key) }
        : from.kind === "memory"
          ? { ...from, offset: from.offset + offsets[i]! }
          : from;
    const target = to.kind === "memory" ? { ...to, offset: to.offset + offsets[i]! } : to;
    return moving.move(moving, type, source, target);
  });
  if (to.kind !== "js") return moved.flat();
  if (type.kind === "tuple") return [`[${moved.flat().join(", ")}]`];
  return [`{ ${fields.map(({ key }, i) => property(key, moved[i]![0]!)).join(", ")} }`];
};

type Variant = Of<"variant" | "option" | "result">;

/** How a source says which case it is, and where that case's payload is. */
interface Choice {
  /** What the switch is over. */
  readonly subject: string;
  label(index: number): string;
  payload(index: number): Source;
  /** The statement for a subject that is no case. */
  readonly otherwise: string;
}

export const moveCases = (moving: Moving, type: Variant, from: Source, to: Target): string[] =>
  switchOver(moving, type, choose(moving, type, from), to);

/** The top-level result of a host function: its value, or what it threw, with which of the two it was. */
export const moveOutcome = (
  moving: Moving,
  type: Variant,
  failed: string,
  value: string,
  to: Target,
): string[] =>
  switchOver(
    moving,
    type,
    {
      subject: `${failed} ? 1 : 0`,
      label: (index) => `${index}`,
      payload: () => ({ kind: "js", value }),
      otherwise: 'K.trap("unreachable");',
    },
    to,
  );

const switchOver = (moving: Moving, type: Variant, choice: Choice, to: Target): string[] => {
  const { code } = moving;
  const receive = receiver(moving, type, to);
  code.line(`switch (${choice.subject}) {`);
  for (const [index, one] of type.cases.entries()) {
    code.line(`case ${choice.label(index)}: {`);
    receive.take(index, one, (target) => moving.move(moving, one.type!, choice.payload(index), target));
    code.line("break; }");
  }
  code.line(`default: ${choice.otherwise}`);
  code.line("}");
  return receive.results;
};

const choose = (moving: Moving, type: Variant, from: Source): Choice => {
  const { code } = moving;
  const { cases } = type;
  if (from.kind === "js") return chooseFromHost(code.bind(from.value), type);
  const subject = code.bind(raw(from, discriminantSize(cases.length)), "d");
  const rest = (type.flat?.length ?? 1) - 1;
  const payloads = from.kind === "flat" ? from.cursor.fork() : undefined;
  if (from.kind === "flat") from.cursor.skip(rest);
  return {
    subject,
    label: (index) => `${index}`,
    payload: () =>
      from.kind === "flat"
        ? { ...from, cursor: payloads!.fork() }
        : { ...from, offset: from.offset + payloadOffset(cases) },
    otherwise: `K.trap("invalid variant discriminant");`,
  };
};

const chooseFromHost = (value: string, type: Variant): Choice => {
  if (type.kind === "option" && !isTaggedOption(type))
    return {
      subject: `${value} === undefined || ${value} === null ? 0 : 1`,
      label: (index) => `${index}`,
      payload: () => ({ kind: "js", value }),
      otherwise: `K.misfit("option", ${value});`,
    };
  const names = type.cases.map(({ name }) => name).join(", ");
  return {
    subject: `K.tagOf(${value}, ${quoted(`one of ${names}`)})`,
    label: (index) => quoted(type.cases[index]!.name),
    payload: () => ({ kind: "js", value: `${value}.val` }),
    otherwise: `K.misfit(${quoted(`one of ${names}`)}, ${value}.tag);`,
  };
};

/** How a target takes one of several cases. */
interface Receiver {
  readonly results: string[];
  take(index: number, one: Case, payload: (to: Target) => string[]): void;
}

const receiver = (moving: Moving, type: Variant, to: Target): Receiver => {
  if (to.kind === "js") return receiveAsHost(moving, type);
  const { code } = moving;
  const size = discriminantSize(type.cases.length);
  if (to.kind === "memory")
    return {
      results: [],
      take(index, one, payload) {
        putRaw(moving, `${index}`, size, to);
        if (one.type) payload({ ...to, offset: to.offset + payloadOffset(type.cases) });
      },
    };
  const flat = type.flat!;
  const names = flat.map((core) => code.declare(core === "i64" ? "0n" : "0", "v"));
  return {
    results: names,
    take(index, one, payload) {
      code.line(`${names[0]} = ${index};`);
      if (!one.type) return;
      for (const [i, value] of payload(to).entries())
        code.line(`${names[i + 1]} = ${widened(value, one.type.flat![i]!, flat[i + 1]!)};`);
    },
  };
};

const receiveAsHost = ({ code }: Moving, type: Variant): Receiver => {
  const name = code.declare("undefined", "v");
  return {
    results: [name],
    take(_index, one, payload) {
      const value = one.type ? payload({ kind: "js" })[0]! : undefined;
      if (type.kind === "option" && !isTaggedOption(type)) {
        if (value !== undefined) code.line(`${name} = ${value};`);
        return;
      }
      const tag = property("tag", quoted(one.name));
      // A result's payload is there even where its type has none, as jco has it; a variant's is not.
      const val = value !== undefined ? `, val: ${value}` : type.kind === "result" ? ", val: undefined" : "";
      code.line(`${name} = { ${tag}${val} };`);
    },
  };
};

export const moveEnum = (moving: Moving, { labels }: Of<"enum">, from: Source, to: Target): string[] => {
  const { code } = moving;
  const size = discriminantSize(labels.length);
  if (from.kind === "js") {
    const indices = labels.map((label, i) => property(label, `${i}`)).join(", ");
    const table = code.constant(`Object.assign(Object.create(null), { ${indices} })`);
    const value = code.bind(from.value);
    const wanted = quoted(`one of ${labels.join(", ")}`);
    const index = code.bind(
      `typeof ${value} === "string" ? ${table}[${value}] ?? K.misfit(${wanted}, ${value}) : K.misfit(${wanted}, ${value})`,
    );
    return putRaw(moving, index, size, to as GuestTarget);
  }
  const index = code.bind(raw(from, size), "d");
  code.line(`if (${index} >= ${labels.length}) K.trap("invalid enum discriminant");`);
  if (to.kind !== "js") return putRaw(moving, index, size, to);
  return [`${code.constant(JSON.stringify(labels))}[${index}]`];
};

export const moveFlags = (moving: Moving, { labels }: Of<"flags">, from: Source, to: Target): string[] => {
  const { code } = moving;
  const size = flagsSize(labels.length);
  const keys = labels.map(camel);
  if (from.kind === "js") {
    const value = code.bind(from.value);
    code.line(`if (${value} === null || typeof ${value} !== "object") K.misfit("flags", ${value});`);
    const bits = keys.map(
      (key, i) => `(${member(value, key)} ? ${2 ** i >= 2 ** 31 ? "1 << 31" : 2 ** i} : 0)`,
    );
    return putRaw(moving, code.bind(`(${bits.join(" | ")}) >>> 0`), size, to as GuestTarget);
  }
  const mask = labels.length === 32 ? "" : ` & ${2 ** labels.length - 1}`;
  const bits = code.bind(`${raw(from, size)}${mask}`);
  if (to.kind !== "js") return putRaw(moving, bits, size, to);
  const entries = keys.map((key, i) => property(key, `(${bits} & ${i === 31 ? "1 << 31" : 2 ** i}) !== 0`));
  return [`{ ${entries.join(", ")} }`];
};
