import { fault } from "../../base/fault.ts";
import { nearest } from "../../base/suggest.ts";
import { type Func, parseInterfaceName, unversioned, type World } from "../model.ts";
import { matchInterface } from "../semver.ts";
import type { WaveTarget } from "./node.ts";

/** An exported function, and the export that holds it: undefined where the world itself does. */
export interface FoundFunction {
  readonly interface: string | undefined;
  readonly func: Func;
}

/**
 * The exported function that a call names. A function of the world itself goes before one inside an interface;
 * a bare name that several interfaces have is LK0208, one that none has LK0207.
 */
export const findFunction = (world: World, target: WaveTarget): FoundFunction => {
  const all = exportedFunctions(world);
  const named = all.filter(({ func }) => func.name === target.func);
  const inside = target.interface === undefined ? undefined : interfaceNamed(world, target.interface);
  const candidates =
    inside === undefined ? named : named.filter((found) => inside.includes(found.interface ?? ""));
  const own = inside === undefined ? candidates.find((found) => found.interface === undefined) : undefined;
  const found = own ?? candidates[0];
  if (!found) throw noSuchFunction(all, target);
  if (!own && candidates.length > 1)
    throw fault("LK0208", `Several interfaces export ${target.func}: ${candidates.map(spell).join(", ")}`, {
      hint: `Write '${spell(found)}(…)'`,
    });
  if (found.func.role.role !== "free")
    throw fault(
      "LK0207",
      `${found.func.name} belongs to the resource ${found.func.role.resource}, and WAVE cannot write resources`,
      { hint: "Call it from a component that imports it" },
    );
  return found;
};

/** Every exported function, those of the world first. */
export const exportedFunctions = (world: World): FoundFunction[] => {
  const own: FoundFunction[] = [];
  const inner: FoundFunction[] = [];
  for (const [name, item] of world.exports) {
    if (item.kind === "func") own.push({ interface: undefined, func: item.func });
    if (item.kind === "interface")
      for (const func of item.interface.funcs.values()) inner.push({ interface: name, func });
  }
  return [...own, ...inner];
};

/** As a person writes it in a call: "greet", "ns:pkg/iface@1.0.0#greet". */
const spell = ({ interface: name, func }: FoundFunction): string =>
  name === undefined ? func.name : `${name}#${func.name}`;

/** Exported interfaces that the written name can mean: itself, a compatible version, no version, the bare name. */
const interfaceNamed = (world: World, written: string): string[] => {
  const names = [...world.exports].filter(([, item]) => item.kind === "interface").map(([name]) => name);
  const exact = matchInterface(written, names);
  if (exact !== undefined) return [exact];
  if (written.includes("@")) return [];
  if (written.includes("/")) return names.filter((name) => unversioned(name) === written);
  return names.filter((name) => parseInterfaceName(name).name === written);
};

const noSuchFunction = (all: readonly FoundFunction[], target: WaveTarget) => {
  const written = target.interface === undefined ? target.func : `${target.interface}#${target.func}`;
  const callable = all.filter(({ func }) => func.role.role === "free");
  if (callable.length === 0)
    return fault("LK0207", `No export ${written}: the component exports no function that WAVE can call`);
  const near =
    callable.find(({ func }) => func.name === target.func) ??
    callable.find(
      ({ func }) =>
        func.name ===
        nearest(
          target.func,
          callable.map((found) => found.func.name),
        ),
    );
  const shown = callable.slice(0, 12).map(spell).join(", ");
  const more = callable.length > 12 ? `, and ${callable.length - 12} more` : "";
  return fault("LK0207", `No export ${written}; there are ${shown}${more}`, {
    hint: near && `Write '${spell(near)}(…)'`,
  });
};
