import { Fault, fault } from "../../base/fault.ts";
import { limits } from "../../base/limits.ts";
import { printMs } from "../../base/quantity.ts";
import { timed } from "../../base/timings.ts";
import { decodeComponent } from "../../contract/binary/decode.ts";
import { unversioned, type World } from "../../contract/model.ts";
import type { WitSources } from "../../contract/wit.ts";
import { worldOf } from "../../contract/world.ts";
import type { Meter } from "../../host/cores.ts";
import type { Decoded } from "../../host/decoded.ts";
import { deniedInterface } from "../../host/denied.ts";
import type { Linked } from "../../host/linker.ts";
import { verify } from "../../trust/verify.ts";
import type { Bindings } from "./bindings.ts";
import type { Bundle } from "./bundle.ts";
import { hidden, unwrapEnvelope } from "./envelope.ts";
import { withMemory } from "./image.ts";
import { positionsLine } from "./positions.ts";
import { componentizeWrapped } from "./quickjs.ts";
import { Recent } from "./recent.ts";
import { shadowOf } from "./shadow.ts";

// The quick path of development. What componentizing takes its time for, starting an engine and linking it to a world,
// does not depend on the program. So it is done once for a world, with a script that only waits for a program's bundle;
// a build then instantiates that component in this process, gives it the bundle, and makes a snapshot of it, just as
// componentizing does. What is loaded cannot reach anything: every import is denied, time and memory are bounded.

/** What a program is made for; all that the warm engine depends on. */
export interface WarmWorld {
  readonly wit: WitSources;
  readonly world: string;
  /** What the wrapper imports beside the world's own. */
  readonly imports: readonly string[];
}

/** The function that takes a bundle; only the waiting component has it, and no snapshot. */
const loadName = "loop-load";

/**
 * The component of a bundle that was made with `warm`; undefined where the module does not load, or not in this way:
 * componentizing in full says why. Fault LK0602 where it goes on loading.
 */
export const snapshot = async (
  given: WarmWorld,
  bindings: Bindings,
  bundle: Bundle,
  main: string,
): Promise<Uint8Array | undefined> => {
  const engine = await engineFor(given, bindings);
  return engine && timed("load", () => engine.load(programText(bindings, bundle), main));
};

/** A bundle as a function of what it imports. Each of its lines is one further down. */
const programText = ({ natives }: Bindings, { source, positions }: Bundle): string => {
  const names = ["loopGive", ...[...natives.keys()].map(variableOf)];
  const moved = { ...positions, mappings: `;${positions.mappings}` };
  return `(function(${names.join(",")}){"use strict";\n${source}\n${positionsLine(moved)}\n})`;
};

const variableOf = (native: string): string => native.replace("loop:native/", "");

/** The script that waits: what the world exports is what a bundle gives. */
const waitingScript = ({ natives, exports }: Bindings): string => {
  const names = [...natives.keys()].map(variableOf);
  return [
    ...[...natives].map(
      ([native, specifier]) => `import * as ${variableOf(native)} from ${JSON.stringify(hidden(specifier))};`,
    ),
    ...exports.map((name, at) => `let export${at};\nexport { export${at} as ${name} };`),
    "const loopGive = (all) => {",
    ...exports.map((name, at) => `  export${at} = all[${JSON.stringify(name)}];`),
    "};",
    `export const loopLoad = (text) => (0, eval)(text)(${["loopGive", ...names].join(", ")});`,
  ].join("\n");
};

/** One that cannot be made is kept as well, as undefined, so that it is tried once. */
const engines = new Recent<WarmEngine | undefined>(limits.quickEnginesMax);

/** The engine that waits for bundles of one world; undefined where none can be made. */
export const engineFor = (given: WarmWorld, bindings: Bindings): Promise<WarmEngine | undefined> =>
  engines.get(JSON.stringify([[...given.wit], given.world, given.imports]), () =>
    timed("warm", () => WarmEngine.make(given, waitingScript(bindings))),
  );

class WarmEngine {
  readonly #linked: Linked;
  readonly #imports: Readonly<Record<string, unknown>>;
  /** The component without the function that takes a bundle. */
  readonly #plain: Uint8Array;

  private constructor(linked: Linked, imports: Readonly<Record<string, unknown>>, plain: Uint8Array) {
    this.#linked = linked;
    this.#imports = imports;
    this.#plain = plain;
  }

  static async make({ wit, world, imports }: WarmWorld, source: string): Promise<WarmEngine | undefined> {
    try {
      const shadow = await shadowOf(wit, world, imports, [`  export ${loadName}: func(text: string);`]);
      const request = { source, wit: shadow.text, world: shadow.name, folder: "" };
      const wrapped = await componentizeWrapped(request);
      const component = verify("builtin:warm", unwrapEnvelope(wrapped));
      const { ownLinker } = await import("../../host/link/link.ts");
      const decoded = decodedOnce(component.bytes);
      // As `loop dev` meters what it runs: the engine is then compiled once for both.
      const metering = { time: true, memory: false, turns: true };
      const linked = await ownLinker.link({ component, decoded, suspending: new Set(), metering });
      return new WarmEngine(linked, deniedImports(decoded.world), unwrapEnvelope(wrapped, loadName));
    } catch (error) {
      // What is wrong with the world itself is said by whoever componentizes for it in full.
      if (error instanceof Fault || error instanceof Error) return undefined;
      throw error;
    }
  }

  async load(text: string, main: string): Promise<Uint8Array | undefined> {
    const instances: WebAssembly.Instance[] = [];
    const bound = new Bound((instance) => instances.push(instance));
    try {
      const exports = await this.#linked.instantiate(this.#imports, bound.meter);
      const memory = memoryOf(instances);
      if (!memory) return undefined;
      const before = new Uint8Array(memory.buffer).slice();
      bound.begin(memory);
      (exports.loopLoad as (text: string) => void)(text);
      return withMemory(this.#plain, before, new Uint8Array(memory.buffer));
    } catch (error) {
      if (bound.late)
        throw fault(
          "LK0602",
          `${main}: The module was still being loaded after ${printMs(limits.quickLoadMsMax)}; what it does outside of its functions has to come to an end`,
          { cause: error },
        );
      return undefined;
    }
  }
}

/** The engine's memory is the one that comes with its stack. */
const memoryOf = (instances: readonly WebAssembly.Instance[]): WebAssembly.Memory | undefined => {
  const owners = instances.filter(({ exports }) => "__stack_pointer" in exports);
  const memory = owners[0]?.exports.memory;
  return owners.length === 1 && memory instanceof WebAssembly.Memory ? memory : undefined;
};

/** Without a look at what was linked before, or a word to it: these bytes are in this process alone. */
const decodedOnce = (bytes: Uint8Array): Decoded => {
  const ast = decodeComponent(bytes);
  return { bytes, ast, world: worldOf(ast), asynchronous: undefined, recipe: undefined, keep: () => {} };
};

const deniedImports = (world: World): Record<string, unknown> => {
  const why = "it is called while the module is loaded";
  const imports: Record<string, unknown> = {};
  for (const [name, extern] of world.imports) {
    if (extern.kind === "interface") imports[name] = deniedInterface(extern.interface, why, () => undefined);
    else if (extern.kind === "func")
      imports[name] = () => {
        throw fault("LK0701", `The component called ${unversioned(name)}, and ${why}`);
      };
  }
  return imports;
};

/** Time and memory for loading one module. */
class Bound {
  late = false;
  readonly meter: Meter;
  #endMs = Infinity;
  #memory: WebAssembly.Memory | undefined;

  constructor(made: (instance: WebAssembly.Instance) => void) {
    this.meter = {
      imports: { check: () => (this.#exceeded() ? 1 : 0), turn: () => {}, reserve: () => 1, undo: () => {} },
      begin: () => {},
      made,
    };
  }

  begin(memory: WebAssembly.Memory): void {
    this.#endMs = performance.now() + limits.quickLoadMsMax;
    this.#memory = memory;
  }

  #exceeded(): boolean {
    this.late ||= performance.now() > this.#endMs;
    return this.late || (this.#memory?.buffer.byteLength ?? 0) > limits.quickMemoryBytesMax;
  }
}
