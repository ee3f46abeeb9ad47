import { wasmTools } from "../../../contract/tools.ts";
import { type CoreKind, flatRow, laidOut, primitive, tupleOf, type ValueType } from "../type.ts";
import type { Random } from "./random.ts";
import { type FuzzType, Types, wit } from "./type.ts";

// A component that hands what it is called with to an import of the same type, and gives back what that
// answers. Both sides of the ABI are crossed in both directions, and the guest needs no compiler.

export interface EchoFunc {
  readonly name: string;
  readonly params: readonly FuzzType[];
  readonly result: FuzzType | undefined;
}

export interface Echo {
  readonly bytes: Uint8Array;
  readonly funcs: readonly EchoFunc[];
  readonly wit: string;
}

export const interfaceName = "fuzz:echo/funcs";

export const echoComponent = async (random: Random, count: number): Promise<Echo> => {
  const types = new Types(random);
  const funcs = Array.from({ length: count }, (_, i): EchoFunc => {
    const params = Array.from({ length: random.below(5) }, () => types.type(3));
    return { name: `f${i}`, params, result: random.chance(6) ? undefined : types.type(3) };
  });
  const text = `package fuzz:echo;
interface funcs {
${types.declarations.join("\n")}
${funcs.map(witFunc).join("\n")}
}
world echo { import funcs; export funcs; }`;
  const tools = await wasmTools();
  const core = await tools.parse(coreModule(funcs));
  const embedded = await tools.componentEmbed({ wit: text, world: "echo", core });
  return { bytes: await tools.componentNew(embedded), funcs, wit: text };
};

const witFunc = ({ name, params, result }: EchoFunc): string =>
  `${name}: func(${params.map((type, i) => `p${i}: ${wit(type)}`).join(", ")})${result ? ` -> ${wit(result)}` : ""};`;

const coreModule = (funcs: readonly EchoFunc[]): string => {
  const imports = funcs.map((func) => {
    const { params, results, spills } = signature(func);
    const given = spills ? [...params, "i32"] : params;
    return `(import "${interfaceName}" "${func.name}" (func $${func.name} ${typeOf(given, spills ? [] : results)}))`;
  });
  const exports = funcs.map((func) => {
    const { params, results, spills, size } = signature(func);
    const args = params.map((_, i) => `(local.get ${i})`).join(" ");
    const body = spills
      ? `(local $into i32)
         (local.set $into (call $realloc (i32.const 0) (i32.const 0) (i32.const 8) (i32.const ${size})))
         (call $${func.name} ${args} (local.get $into)) (local.get $into)`
      : `(call $${func.name} ${args})`;
    return `(func (export "${interfaceName}#${func.name}") ${typeOf(params, results)} ${body})
      (func (export "cabi_post_${interfaceName}#${func.name}") ${typeOf(results, [])}
        (global.set $next (i32.const 1024)))`;
  });
  return `(module ${imports.join("\n")}
    (memory (export "memory") 1)
    (global $next (mut i32) (i32.const 1024))
    (func $realloc (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (local $at i32)
      (local.set $at (i32.and
        (i32.add (global.get $next) (i32.sub (local.get 2) (i32.const 1)))
        (i32.sub (i32.const 0) (local.get 2))))
      (global.set $next (i32.add (local.get $at) (local.get 3)))
      (block $enough (loop $more
        (br_if $enough (i32.le_u (global.get $next) (i32.mul (memory.size) (i32.const 65536))))
        (drop (memory.grow (i32.const 1)))
        (br $more)))
      (memory.copy (local.get $at) (local.get 0) (local.get 1))
      (local.get $at))
    ${exports.join("\n")})`;
};

const typeOf = (params: readonly string[], results: readonly string[]): string =>
  `${params.length > 0 ? `(param ${params.join(" ")})` : ""} ${results.length > 0 ? `(result ${results.join(" ")})` : ""}`;

/** The core signature; wit-component checks it against its own idea of the same. */
const signature = ({ params, result }: EchoFunc) => {
  const flat: readonly CoreKind[] = flatRow(params.map(laid)) ?? ["i32"];
  const type = result && laid(result);
  const spills = type !== undefined && (type.flat?.length ?? 2) > 1;
  const results: readonly CoreKind[] = spills ? ["i32"] : (type?.flat ?? []);
  return { params: flat, results, spills, size: type?.size ?? 0 };
};

const laid = (type: FuzzType): ValueType => {
  const one = (inner: FuzzType | undefined) => inner && laid(inner);
  switch (type.kind) {
    case "list":
      return laidOut({ kind: "list", element: laid(type.element) });
    case "option":
      return variant("option", [undefined, laid(type.element)]);
    case "tuple":
      return tupleOf(type.elements.map(laid));
    case "record":
      return tupleOf(type.fields.map(laid));
    case "result":
      return variant("result", [one(type.ok), one(type.err)]);
    case "variant":
      return variant("variant", type.cases.map(one));
    case "enum":
    case "flags":
      return laidOut({ kind: type.kind, labels: new Array(type.count).fill("") });
    default:
      return primitive(type.kind);
  }
};

const variant = (
  kind: "option" | "result" | "variant",
  types: readonly (ValueType | undefined)[],
): ValueType => laidOut({ kind, cases: types.map((type) => ({ name: "", type })) });
