// loop-kit's own linker: component binary → live instances, in the JS mapping of WIT. Owns the canonical ABI for
// synchronous components; refuses the asynchronous component model (`needsJco` says so); called by `host/plan`.
import { fault } from "../../base/fault.ts";
import type { ComponentAst } from "../../contract/binary/ast.ts";
import { decodeComponent } from "../../contract/binary/decode.ts";
import { unversioned } from "../../contract/model.ts";
import { matchInterface } from "../../contract/semver.ts";
import { compileCore } from "../cores.ts";
import type { Linked, Linker, LinkRequest } from "../linker.ts";
import { exportedObject } from "./exporting.ts";
import { importItem } from "./importing.ts";
import { type ImportSource, type Instantiation, instantiate } from "./instantiate.ts";
import { needsJco } from "./needs.ts";

export interface LinkOptions {
  /** Import functions that may answer with a promise, unversioned: "wasi:io/poll#[method]pollable.block". */
  readonly suspending?: ReadonlySet<string>;
}

/** A component ready to be instantiated any number of times. */
export interface LinkedComponent extends Linked {
  readonly ast: ComponentAst;
  /** As a component import of another takes it. */
  readonly outer: undefined;
}

/**
 * Compiles a component's core modules, in parallel, and gives what instantiates it. Faults: LK0203 and LK0204
 * for the bytes, LK0303 for what this linker does not do.
 */
export const linkComponent = async (
  component: ComponentAst | Uint8Array,
  options: LinkOptions = {},
): Promise<LinkedComponent> => {
  const ast = component instanceof Uint8Array ? decodeComponent(component) : component;
  const reason = needsJco(ast);
  if (reason) throw fault("LK0303", `This linker is for synchronous components, and ${reason}`);
  const modules = await compileAll(ast);
  const suspending = options.suspending ?? new Set<string>();
  return {
    ast,
    outer: undefined,
    async instantiate(imports) {
      const whole: Instantiation = { modules, suspending, made: 0 };
      const { exports } = instantiate(
        whole,
        { ast, outer: undefined },
        undefined,
        hostImports(whole, imports),
      );
      return exportedObject(exports);
    },
  };
};

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

const compileAll = async (ast: ComponentAst): Promise<ReadonlyMap<number, WebAssembly.Module>> => {
  const ranges = coreRanges(ast);
  const compiled = await Promise.all(
    ranges.map(async ({ start, end }): Promise<[number, WebAssembly.Module]> => {
      try {
        return [start, await compileCore(ast.bytes.subarray(start, end))];
      } catch (error) {
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
  link: async ({ ast, suspending }: LinkRequest): Promise<Linked> =>
    linkComponent(ast, { suspending: withoutVersions(suspending) }),
};

const withoutVersions = (names: ReadonlySet<string>): Set<string> =>
  new Set(
    [...names].map((name) => {
      const hash = name.indexOf("#");
      return hash < 0 ? name : `${unversioned(name.slice(0, hash))}${name.slice(hash)}`;
    }),
  );
