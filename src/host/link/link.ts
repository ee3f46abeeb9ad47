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

export interface LinkOptions {
  /** Import functions that may answer with a promise, unversioned: "wasi:io/poll#[method]pollable.block". */
  readonly suspending?: ReadonlySet<string>;
  /** What of its core modules is metered; instances then need a meter. */
  readonly metering?: Metering | undefined;
}

/** A component ready to be instantiated any number of times, and to be given for a component import. */
export interface LinkedComponent extends Linked {
  readonly ast: ComponentAst;
  /** Its core modules, compiled. */
  readonly modules: Promise<Component["modules"]>;
}

/**
 * Begins to compile a component's core modules, in parallel, and gives what instantiates it. Faults: LK0203 and
 * LK0204 for the bytes (for a core module when it is instantiated), LK0303 for what this linker does not do.
 */
export const linkComponent = async (
  component: ComponentAst | Uint8Array,
  options: LinkOptions = {},
): Promise<LinkedComponent> => {
  const ast = component instanceof Uint8Array ? decodeComponent(component) : component;
  const reason = needsJco(ast);
  if (reason) throw fault("LK0303", `This linker is for synchronous components, and ${reason}`);
  const modules = compileAll(ast, options.metering);
  // Whoever instantiates meets the failure; nobody may.
  modules.catch(() => {});
  const suspending = options.suspending ?? new Set<string>();
  return {
    ast,
    modules,
    async instantiate(imports, meter) {
      const whole: Instantiation = { suspending, meter, made: 0 };
      const given = Object.fromEntries(await Promise.all(Object.entries(imports).map(ready)));
      const component: Component = { ast, outer: undefined, modules: await modules };
      const { exports } = instantiate(whole, component, undefined, hostImports(whole, given));
      return exportedObject(exports);
    },
  };
};

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

const coreRanges = (ast: ComponentAst): { start: number; end: number }[] =>
  ast.definitions.flatMap((definition) => {
    if (definition.kind === "core-module") return [definition.range];
    return definition.kind === "component" ? coreRanges(definition.component) : [];
  });

const compileAll = async (
  ast: ComponentAst,
  metering: Metering | undefined,
): Promise<ReadonlyMap<number, WebAssembly.Module>> => {
  const ranges = coreRanges(ast);
  const compiled = await Promise.all(
    ranges.map(async ({ start, end }): Promise<[number, WebAssembly.Module]> => {
      try {
        return [start, await compileCore(ast.bytes.subarray(start, end), metering)];
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
  link: async ({ ast, suspending, metering }: LinkRequest): Promise<Linked> =>
    linkComponent(ast, { suspending: withoutVersions(suspending), metering }),
};

const withoutVersions = (names: ReadonlySet<string>): Set<string> =>
  new Set(
    [...names].map((name) => {
      const hash = name.indexOf("#");
      return hash < 0 ? name : `${unversioned(name.slice(0, hash))}${name.slice(hash)}`;
    }),
  );
