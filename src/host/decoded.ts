import { timed } from "../base/timings.ts";
import type { ComponentAst } from "../contract/binary/ast.ts";
import { decodeComponent } from "../contract/binary/decode.ts";
import type { World } from "../contract/model.ts";
import { worldOf } from "../contract/world.ts";
import type { VerifiedComponent } from "../trust/verify.ts";
import { beginCores } from "./cores.ts";

export interface Decoded {
  readonly ast: ComponentAst;
  readonly world: World;
}

const known = new WeakMap<VerifiedComponent, Decoded>();

/** A component's structure and its world, decoded once however often it is asked for. Faults: LK0203, LK0204. */
export const decoded = (component: VerifiedComponent): Decoded => {
  const before = known.get(component);
  if (before) return before;
  beginCores(component.bytes);
  const made = timed("decode", () => {
    const ast = decodeComponent(component.bytes);
    return { ast, world: worldOf(ast) };
  });
  known.set(component, made);
  return made;
};
