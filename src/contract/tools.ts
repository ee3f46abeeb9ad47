// The wasm-tools that jco carries, loaded when first asked for (a quarter of a second): text and metadata of
// components, WIT encoding. Refuses WIT printing (it panics on WIT packages; see `wit.ts`) and WIT by path.
// Called by `wit.ts`, the builders and `loop inspect`; never on the way to running a component.
import { type Fault, fault } from "../base/fault.ts";
import { componentPreamble, structureOf } from "./binary/decode.ts";
import { wrongInterfaceName } from "./binary/names.ts";
import { leb } from "./binary/sections.ts";
import { skeletonOf } from "./binary/skeleton.ts";

type Jco = typeof import("@bytecodealliance/jco-transpile/wasm-tools");

export type ModuleMetadata = Awaited<ReturnType<Jco["metadataShow"]>>[number];
export type ProducersFields = ModuleMetadata["producers"];

export interface EmbedRequest {
  /** WIT text: one package at the top, the others nested in braces. */
  readonly wit: string;
  /** "ns:pkg/world@1.0.0", or its bare name where it is in the top package. */
  readonly world: string;
  /** A core module; without it, one that traps in every export is made. */
  readonly core?: Uint8Array;
}

export interface Tools {
  /** WAT text → binary, not validated. LK0212 with line and column; `place` is the file's name in it. */
  parse(wat: string, place?: string): Promise<Uint8Array>;
  /** Binary → WAT text. */
  print(bytes: Uint8Array): Promise<string>;
  /** Core module with an embedded world → component, validated. LK0211. */
  componentNew(core: Uint8Array, adapters?: readonly (readonly [string, Uint8Array])[]): Promise<Uint8Array>;
  /** Core module with the world in its `component-type` section. LK0209, LK0210. */
  componentEmbed(request: EmbedRequest): Promise<Uint8Array>;
  metadataShow(bytes: Uint8Array): Promise<ModuleMetadata[]>;
  metadataAdd(bytes: Uint8Array, producers: ProducersFields): Promise<Uint8Array>;
  /**
   * Checks a component's types, indices, imports and exports. Bodies of core functions are not checked;
   * `WebAssembly.compile` does that. LK0211 with the byte; LK0201 to LK0204 where it does not even decode.
   */
  validate(component: Uint8Array): Promise<void>;
}

let loading: Promise<Tools> | undefined;

export const wasmTools = (): Promise<Tools> => {
  loading ??= import("@bytecodealliance/jco-transpile/wasm-tools").then(toolsOver);
  return loading;
};

const toolsOver = (jco: Jco): Tools => {
  const guard = trapGuard();
  return {
    parse: (wat, place) => guard(jco.parse(wat), (text) => watFault(text, place)),
    print: (bytes) => guard(jco.print(bytes), invalid),
    componentNew: (core, adapters = []) =>
      guard(
        jco.componentNew(
          core,
          adapters.map(([name, bytes]) => [name, bytes]),
        ),
        invalid,
      ),
    componentEmbed: ({ wit, world, core }) =>
      guard(
        jco.componentEmbed({ witSource: wit, world, ...(core ? { binary: core } : { dummy: true }) }),
        witFault,
      ),
    metadataShow: (bytes) => guard(jco.metadataShow(bytes), invalid),
    metadataAdd: (bytes, producers) => guard(jco.metadataAdd(bytes, producers), invalid),
    validate: async (component) => {
      const wrong = wrongInterfaceName(structureOf(component));
      if (wrong)
        throw fault(
          "LK0211",
          `The component is not valid: "${wrong.name}" names no interface (at byte ${wrong.offset})`,
        );
      const { bytes, placeOf } = nested(component);
      await guard(jco.componentWit(bytes), (message) => invalid(message, placeOf));
    },
  };
};

/**
 * The component's skeleton inside an empty one. Printing WIT begins with a full validation, and of the empty one there
 * is nothing to print: the tool panics on some valid components otherwise (WIT packages, functions with the names of
 * interfaces). What the tool would not look at does not go in: fifty megabytes take it three quarters of a second.
 */
const nested = (component: Uint8Array): { bytes: Uint8Array; placeOf: (at: number) => number } => {
  const skeleton = skeletonOf(component);
  const head = Uint8Array.of(...componentPreamble, 0x04, ...leb(skeleton.bytes.length));
  return {
    bytes: Buffer.concat([head, skeleton.bytes]),
    placeOf: (at) => skeleton.placeOf(at - head.length),
  };
};

/** How jco throws a `result`'s err: the tool's own message is the payload. */
const isToolError = (error: unknown): error is Error & { payload: string } =>
  error instanceof Error && "payload" in error && typeof error.payload === "string";

/**
 * Turns the tool's errors into faults. A trap (a Rust panic) leaves the one instance of this process unusable,
 * and a bundled module cannot be instantiated again; so every later call says that too, instead of jco's
 * "cannot enter component instance".
 */
export const trapGuard = () => {
  let stopped: Fault | undefined;
  return async <T>(call: Promise<T>, toFault: (message: string) => Fault): Promise<T> => {
    if (stopped) {
      call.catch(() => {});
      throw stopped;
    }
    try {
      return await call;
    } catch (error) {
      if (isToolError(error)) throw toFault(error.payload);
      if (!(error instanceof WebAssembly.RuntimeError)) throw error;
      stopped ??= fault("LK0213", "The wasm-tools inside loop stopped on this input and stay stopped", {
        hint: "Check the input with another copy of wasm-tools, then run the command again",
        cause: error,
      });
      throw stopped;
    }
  };
};

const offsetPattern = /\(at offset 0x([0-9a-f]+)\)/;

/** `placeOf` says where a byte that the tool speaks of is in what the person knows. */
const invalid = (message: string, placeOf = (at: number) => at): Fault => {
  const offset = offsetPattern.exec(message);
  const lines = message
    .replace(offsetPattern, "")
    .split("\n")
    .map((line) => line.replace(/^\s*\d+: |^\$/, "").trim())
    .filter((line) => line !== "" && line !== "Caused by:" && !line.startsWith("Failed to decode"));
  // The tool's chain goes from the general to the cause; the cause is what helps.
  const cause = lines.at(-1) ?? "it is not a component";
  const at = offset ? ` (at byte ${placeOf(Number.parseInt(offset[1]!, 16))})` : "";
  return fault("LK0211", `The component is not valid: ${cause}${at}`);
};

/** The tool prints its error as Rust's Debug; what matters in it is the position and the custom message. */
const watFault = (message: string, place = "the text"): Fault => {
  const position = /line: (\d+), col: (\d+)/.exec(message);
  const custom = /kind: Custom\("((?:[^"\\]|\\.)*)"\)/.exec(message)?.[1]?.replace(/\\(["'\\])/g, "$1");
  const lexical = /kind: Lex\((\w+)/.exec(message)?.[1];
  const what = custom ?? lexical?.replace(/(?!^)([A-Z])/g, " $1").toLowerCase() ?? message;
  const at = position ? `:${Number(position[1]) + 1}:${Number(position[2]) + 1}` : "";
  return fault("LK0212", `Cannot read ${place}${at}: ${what}`);
};

const witFault = (message: string): Fault => {
  const [first = "", ...rest] = message.split("\n").map((line) => line.trim());
  const text = `${first} ${rest.filter(Boolean).join(", ")}`.trim();
  if (/^World `|multiple worlds|contains no worlds/.test(text)) return fault("LK0210", sentence(text));
  return fault("LK0209", sentence(text));
};

const sentence = (text: string): string => `${text[0]?.toUpperCase() ?? ""}${text.slice(1)}`;
