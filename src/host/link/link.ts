// loop-kit's own linker: component binary → live instances, in the JS mapping of WIT. Owns the canonical ABI for
// synchronous components; refuses the asynchronous component model (`needsJco` says so); called by `host/plan`.
import { Fault, fault } from "../../base/fault.ts";
import type { ComponentAst } from "../../contract/binary/ast.ts";
import { decodeComponent } from "../../contract/binary/decode.ts";
import { unversioned } from "../../contract/model.ts";
import { matchInterface } from "../../contract/semver.ts";
import { compileCore } from "../cores.ts";
import type { Linked, Linker, LinkRequest } from "../linker.ts";
import type { Metering } from "../meter/meter.ts";
import { exportedObject } from "./exporting.ts";
import { importItem } from "./importing.ts";
import { type ImportSource, type Instantiation, instantiate } from "./instantiate.ts";
import type { Component } from "./item.ts";
import { needsJco } from "./needs.ts";
import type { Recipe } from "./recipe.ts";
import { Recorder } from "./record.ts";
import { replay } from "./replay.ts";

export interface LinkOptions {
  /** Import functions that may answer with a promise, unversioned: "wasi:io/poll#[method]pollable.block". */
  readonly suspending?: ReadonlySet<string>;
  /** What of its core modules is metered; instances then need a meter. */
  readonly metering?: Metering | undefined;
  /** The recipe of these very bytes, from an earlier link; without one the first instance writes it. */
  readonly recipe?: Recipe | undefined;
  /** Hears of a recipe that was written. */
  readonly onRecipe?: ((recipe: Recipe) => void) | undefined;
}

/** Component bytes, and their structure where somebody asks for it. */
interface Structured {
  readonly bytes: Uint8Array;
  readonly ast: ComponentAst;
}

/** A component ready to be instantiated any number of times, and to be given for a component import. */
export interface LinkedComponent extends Linked, Structured {
  /** Its core modules, compiled. */
  readonly modules: Promise<Component["modules"]>;
}

/**
 * Begins to compile a component's core modules, in parallel, and gives what instantiates it: the first time by
 * walking its definitions, and then by the recipe that was written on the way. Faults: LK0203 and LK0204 for the
 * bytes (for a core module when it is instantiated), LK0303 for what this linker does not do.
 */
export const linkComponent = async (
  component: Structured | Uint8Array,
  options: LinkOptions = {},
): Promise<LinkedComponent> => {
  const source = component instanceof Uint8Array ? decodeComponent(component) : component;
  const { bytes } = source;
  let { recipe } = options;
  const reason = recipe ? undefined : needsJco(astOf(source));
  if (reason) throw fault("LK0303", `This linker is for synchronous components, and ${reason}`);
  const ranges = recipe?.modules ?? coreRanges(astOf(source));
  const modules = compileAll(bytes, ranges, options.metering);
  // Whoever instantiates meets the failure; nobody may.
  modules.catch(() => {});
  const suspending = options.suspending ?? new Set<string>();
  return {
    bytes,
    get ast() {
      return astOf(source);
    },
    modules,
    async instantiate(imports, meter) {
      if (recipe) {
        const given = { suspending, meter, imports, modules: await modules };
        return exportedObject(replay(recipe, given));
      }
      const recorder = new Recorder();
      const whole: Instantiation = { suspending, meter, recorder, made: 0 };
      const given = Object.fromEntries(await Promise.all(Object.entries(imports).map(ready)));
      const component: Component = { ast: astOf(source), outer: undefined, modules: await modules };
      const { exports } = instantiate(whole, component, undefined, hostImports(whole, given));
      const written = recorder.finish(exports, ranges);
      if (written && !recipe) options.onRecipe?.(written);
      recipe ??= written;
      return exportedObject(exports);
    },
  };
};

const astOf = (source: ComponentAst | Structured): ComponentAst =>
  "definitions" in source ? source : source.ast;

/** A linked component that is given for an import, as the walk takes it. */
const ready = async ([name, given]: [string, unknown]): Promise<[string, unknown]> => {
  if (!isLinked(given)) return [name, given];
  return [name, { ast: given.ast, outer: undefined, modules: await given.modules } satisfies Component];
};

const isLinked = (given: unknown): given is LinkedComponent =>
  typeof given === "object" && given !== null && "ast" in given && "instantiate" in given;

/** The host's imports by name: as spelled, or under the newest compatible version. */
const hostImports = (whole: Instantiation, imports: Readonly<Record<string, unknown>>): ImportSource => {
  const names = Object.keys(imports);
  return (name, { type, offset }, scope) => {
    const offered = matchInterface(name, names);
    return importItem(whole, scope, name, type, offered === undefined ? undefined : imports[offered], offset);
  };
};

const coreRanges = (ast: ComponentAst): Recipe["modules"] =>
  ast.definitions.flatMap((definition): Recipe["modules"] => {
    if (definition.kind === "core-module") return [[definition.range.start, definition.range.end]];
    return definition.kind === "component" ? coreRanges(definition.component) : [];
  });

const compileAll = async (
  bytes: Uint8Array,
  ranges: Recipe["modules"],
  metering: Metering | undefined,
): Promise<ReadonlyMap<number, WebAssembly.Module>> => {
  const compiled = await Promise.all(
    ranges.map(async ([start, end]): Promise<[number, WebAssembly.Module]> => {
      try {
        return [start, await compileCore(bytes.subarray(start, end), metering)];
      } catch (error) {
        if (error instanceof Fault) throw error;
        const why = error instanceof Error ? error.message : String(error);
        throw fault("LK0203", `The core module at byte ${start} does not compile: ${why}`, { cause: error });
      }
    }),
  );
  return new Map(compiled);
};

/** Changes with what `linkComponent` makes of the same bytes. */
const version = "own-1";

export const ownLinker: Linker = {
  name: "loop",
  version,
  link: async ({ decoded, suspending, metering }: LinkRequest): Promise<Linked> =>
    linkComponent(decoded, {
      suspending: withoutVersions(suspending),
      metering,
      recipe: decoded.recipe,
      onRecipe: (recipe) => decoded.keep(recipe),
    }),
};

const withoutVersions = (names: ReadonlySet<string>): Set<string> =>
  new Set(
    [...names].map((name) => {
      const hash = name.indexOf("#");
      return hash < 0 ? name : `${unversioned(name.slice(0, hash))}${name.slice(hash)}`;
    }),
  );
