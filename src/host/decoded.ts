import { timed } from "../base/timings.ts";
import type { ComponentAst } from "../contract/binary/ast.ts";
import { decodeComponent } from "../contract/binary/decode.ts";
import type { World } from "../contract/model.ts";
import { outlineOf, worldFrom } from "../contract/outline.ts";
import { worldOf } from "../contract/world.ts";
import type { VerifiedComponent } from "../trust/verify.ts";
import { beginCores } from "./cores.ts";
import { needsJco } from "./link/needs.ts";
import type { Recipe } from "./link/recipe.ts";
import { type Recalled, recall, recallKey, remember } from "./recall.ts";

/** A component's structure and its world, each read when it is first asked for, or recalled by its digest. */
export interface Decoded {
  readonly bytes: Uint8Array;
  readonly ast: ComponentAst;
  readonly world: World;
  /** Why loop's own linker cannot take it; undefined where it can. */
  readonly asynchronous: string | undefined;
  /** How instances of it are made, where one was made before. */
  readonly recipe: Recipe | undefined;
  /** Remembers how its first instance was made. */
  keep(recipe: Recipe): void;
}

const known = new WeakMap<VerifiedComponent, Decoded>();

/**
 * What there is to know of a component, found out once however often it is asked for. Faults, here or where
 * something is first read: LK0203, LK0204.
 */
export const decoded = (component: VerifiedComponent): Decoded => {
  const before = known.get(component);
  if (before) return before;
  const recalled = timed("recall", () => recall(component));
  beginCores(component.bytes, recalled && (() => recalled.recipe.modules));
  const made = new Reading(component, recalled);
  // What was never met is read at once, so that malformed bytes are found before anything is done with them.
  if (!recalled) made.read();
  known.set(component, made);
  return made;
};

class Reading implements Decoded {
  readonly bytes: Uint8Array;
  readonly #component: VerifiedComponent;
  readonly #recalled: Recalled | undefined;
  #whole: { readonly ast: ComponentAst; readonly world: World } | undefined;
  #world: World | undefined;
  #recipe: Recipe | undefined;

  constructor(component: VerifiedComponent, recalled: Recalled | undefined) {
    this.bytes = component.bytes;
    this.#component = component;
    this.#recalled = recalled;
    this.#recipe = recalled?.recipe;
  }

  read(): { readonly ast: ComponentAst; readonly world: World } {
    this.#whole ??= timed("decode", () => {
      const ast = decodeComponent(this.bytes);
      return { ast, world: worldOf(ast) };
    });
    return this.#whole;
  }

  get ast(): ComponentAst {
    return this.read().ast;
  }

  get world(): World {
    this.#world ??= this.#recalled
      ? worldFrom(this.#recalled.outline, () => this.read().world)
      : this.read().world;
    return this.#world;
  }

  get asynchronous(): string | undefined {
    // Only what was linked here has a recipe.
    return this.#recipe ? undefined : needsJco(this.ast);
  }

  get recipe(): Recipe | undefined {
    return this.#recipe;
  }

  keep(recipe: Recipe): void {
    if (this.#recipe) return;
    this.#recipe = recipe;
    remember({ key: recallKey(this.#component), outline: outlineOf(this.world), recipe });
  }
}
