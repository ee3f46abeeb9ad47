import type { Extern, Func, Interface, World } from "./model.ts";
import { roleOf } from "./world.ts";

// A world by its names alone. Matching imports, and finding an export, need no more; whoever asks for a type has
// the component decoded, which a run of something known does not.

type FuncOutline = readonly [name: string, async: 0 | 1];

type ExternOutline =
  | readonly ["interface", name: string, funcs: readonly FuncOutline[], resources: readonly string[]]
  | readonly ["func", func: FuncOutline]
  | readonly [kind: Exclude<Extern["kind"], "interface" | "func">];

type Side = readonly (readonly [name: string, extern: ExternOutline])[];

/** Plain JSON. */
export interface Outline {
  readonly name: string | undefined;
  readonly imports: Side;
  readonly exports: Side;
}

export const outlineOf = ({ name, imports, exports }: World): Outline => ({
  name,
  imports: [...imports].map(([key, extern]) => [key, externOutline(extern)]),
  exports: [...exports].map(([key, extern]) => [key, externOutline(extern)]),
});

const externOutline = (extern: Extern): ExternOutline => {
  if (extern.kind === "func") return ["func", funcOutline(extern.func)];
  if (extern.kind !== "interface") return [extern.kind];
  const { name, funcs } = extern.interface;
  return ["interface", name, [...funcs.values()].map(funcOutline), ownResources(extern.interface)];
};

const funcOutline = ({ name, async }: Func): FuncOutline => [name, async ? 1 : 0];

/** The resources that an interface defines itself, each by its first name; those of others only pass through it. */
export const ownResources = (of: Pick<Interface, "name" | "types">): readonly string[] =>
  of instanceof OutlinedInterface
    ? of.resources
    : [...of.types].flatMap(([name, type], at, all) => {
        if (type.kind !== "resource" || (type.resource.owner ?? of.name) !== of.name) return [];
        const first = all.findIndex(
          ([, other]) => other.kind === "resource" && other.resource === type.resource,
        );
        return first === at ? [name] : [];
      });

/** The world of an outline; `full` reads the whole, and is called when somebody asks for a type. */
export const worldFrom = (outline: Outline, full: () => World): World => ({
  name: outline.name,
  imports: externs(outline.imports, () => full().imports),
  exports: externs(outline.exports, () => full().exports),
});

const externs = (side: Side, full: () => World["imports"]): World["imports"] =>
  new Map(side.map(([name, outline]) => [name, externFrom(outline, () => full().get(name)!)]));

const externFrom = (outline: ExternOutline, full: () => Extern): Extern => {
  const [kind] = outline;
  switch (kind) {
    case "interface":
      return {
        kind,
        interface: new OutlinedInterface(outline[1], outline[2], outline[3], () => {
          const extern = full();
          return (extern as Extract<Extern, { kind: "interface" }>).interface;
        }),
      };
    case "func": {
      const func = () => (full() as Extract<Extern, { kind: "func" }>).func;
      return { kind, func: new OutlinedFunc(outline[1], func) };
    }
    case "type":
      return {
        kind,
        get type() {
          return (full() as Extract<Extern, { kind: "type" }>).type;
        },
      };
    default:
      return { kind };
  }
};

class OutlinedInterface implements Interface {
  readonly name: string;
  readonly resources: readonly string[];
  readonly #outlines: readonly FuncOutline[];
  readonly #full: () => Interface;
  #funcs: ReadonlyMap<string, Func> | undefined;

  constructor(
    name: string,
    outlines: readonly FuncOutline[],
    resources: readonly string[],
    full: () => Interface,
  ) {
    this.name = name;
    this.resources = resources;
    this.#outlines = outlines;
    this.#full = full;
  }

  get funcs(): ReadonlyMap<string, Func> {
    this.#funcs ??= new Map(
      this.#outlines.map((outline) => {
        const [name] = outline;
        return [name, new OutlinedFunc(outline, () => this.#full().funcs.get(name)!)];
      }),
    );
    return this.#funcs;
  }

  get types(): Interface["types"] {
    return this.#full().types;
  }
}

class OutlinedFunc implements Func {
  readonly name: string;
  readonly async: boolean;
  readonly #full: () => Func;

  constructor([name, async]: FuncOutline, full: () => Func) {
    this.name = name;
    this.async = async === 1;
    this.#full = full;
  }

  get role(): Func["role"] {
    return roleOf(this.name);
  }

  get params(): Func["params"] {
    return this.#full().params;
  }

  get result(): Func["result"] {
    return this.#full().result;
  }
}
