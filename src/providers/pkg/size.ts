import type { ComponentAst } from "../../contract/binary/ast.ts";
import { customSections } from "../../contract/binary/sections.ts";

export interface SizePart {
  readonly name: string;
  readonly bytes: number;
}

/** Parts below this share of the whole are added up, so that what weighs stands out. */
const shareMin = 0.005;

/**
 * Where a component's bytes lie: code and data of each core module, custom sections by name, and the rest
 * (types, imports, wiring). Largest first; they add up to the whole.
 */
export const sizeParts = (ast: ComponentAst): readonly SizePart[] => {
  const parts = new Map<string, number>();
  const add = (name: string, bytes: number) => parts.set(name, (parts.get(name) ?? 0) + bytes);
  const whole = ast.range.end - ast.range.start;
  const counted = walk(ast, { modules: 0 }, add);
  add("types, imports and wiring", whole - counted);
  const all = [...parts].map(([name, bytes]) => ({ name, bytes })).filter(({ bytes }) => bytes > 0);
  const small = all.filter(({ bytes }) => bytes < whole * shareMin);
  if (small.length < 2) return all.sort(bySize);
  const rest = {
    name: `${small.length} smaller parts`,
    bytes: small.reduce((sum, part) => sum + part.bytes, 0),
  };
  return [...all.filter((part) => !small.includes(part)), rest].sort(bySize);
};

const bySize = (a: SizePart, b: SizePart): number => b.bytes - a.bytes;

/** Counts core modules and custom sections, of nested components too; answers the bytes counted. */
const walk = (
  ast: ComponentAst,
  seen: { modules: number },
  add: (name: string, bytes: number) => void,
): number => {
  let counted = 0;
  for (const definition of ast.definitions) {
    if (definition.kind === "component") counted += walk(definition.component, seen, add);
    if (definition.kind !== "core-module") continue;
    const { start, end } = definition.range;
    const module = ast.bytes.subarray(start, end);
    const custom = [...customSections(module).values()].flat().reduce((sum, part) => sum + part.length, 0);
    add(`core module ${seen.modules++}`, end - start - custom);
    add("names and debug information of core modules", custom);
    counted += end - start;
  }
  for (const { name, payload } of ast.customs) {
    add(`custom section ${name}`, payload.end - payload.start);
    counted += payload.end - payload.start;
  }
  return counted;
};
