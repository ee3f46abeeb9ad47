import { DeclaredError, Fault } from "../../src/base/fault.ts";
import { decodeComponent } from "../../src/contract/binary/decode.ts";
import { camel } from "../../src/contract/model.ts";
import { wasmTools } from "../../src/contract/tools.ts";
import { nativeFunc } from "../../src/host/link/exporting.ts";
import { type LinkedComponent, linkComponent } from "../../src/host/link/link.ts";
import { needsJco } from "../../src/host/link/needs.ts";
import { scriptHost } from "./host.ts";
import { atomOf, headOf, type List, lineOf, type Node, readScript, stringOf } from "./read.ts";
import { constant, equal, show } from "./value.ts";

export type Outcome = "passed" | "failed" | "skipped";
export interface Report {
  readonly line: number;
  readonly outcome: Outcome;
  readonly why: string;
}

/** Something that a directive cannot be judged by, with the reason; not a failure of the linker. */
class Skip extends Error {}

type Exports = Readonly<Record<string, unknown>>;
/** A reason where the thing was skipped, so that what depends on it is too. */
type Known<T> = T | Skip;

/**
 * Runs one script and reports on each directive in order. With `replayed`, every instance is the second of its
 * component, which is made by the recipe that the first one left.
 */
export const runScript = async (text: string, replayed = false): Promise<Report[]> => {
  const run = new Run(text, replayed);
  const reports: Report[] = [];
  for (const directive of readScript(text)) {
    const line = lineOf(text, directive.start);
    try {
      await run.directive(directive);
      reports.push({ line, outcome: "passed", why: "" });
    } catch (error) {
      const outcome = error instanceof Skip ? "skipped" : "failed";
      reports.push({ line, outcome, why: `${headOf(directive)}: ${messageOf(error)}` });
    }
  }
  return reports;
};

const messageOf = (error: unknown): string =>
  (error instanceof Error ? error.message : show(error)).split("\n")[0]!;

class Run {
  readonly #text: string;
  readonly #definitions = new Map<string, Known<LinkedComponent>>();
  readonly #instances = new Map<string, Known<Exports>>();
  /** What components may import: the host's, and instances by their own name or the one they are registered by. */
  readonly #registered = new Map<string, unknown>(Object.entries(scriptHost()));
  #lastDefinition: Known<LinkedComponent> = new Skip("there is no component before it");
  #current: Known<Exports> = new Skip("there is no component before it");

  readonly #replayed: boolean;

  constructor(text: string, replayed: boolean) {
    this.#text = text;
    this.#replayed = replayed;
  }

  async directive(list: List): Promise<void> {
    switch (headOf(list)) {
      case "component":
        return this.#component(list);
      case "module":
        return this.#module(list);
      case "register":
        return this.#register(list);
      case "invoke":
      case "get":
        await this.#act(list);
        return;
      case "assert_return":
        return this.#assertReturn(list);
      case "assert_trap":
      case "assert_exhaustion":
        return this.#assertTrap(list);
      case "assert_invalid":
        return this.#assertRefused(list, "valid");
      case "assert_malformed":
        return this.#assertRefused(list, "well-formed");
      case "assert_unlinkable":
        return this.#assertUnlinkable(list);
      default:
        throw new Skip(`this runner has no directive "${headOf(list)}"`);
    }
  }

  async #component(list: List): Promise<void> {
    const [, second, third, fourth] = list.items;
    if (atomOf(second) === "instance") return this.#instance(atomOf(third), atomOf(fourth));
    const isDefinition = atomOf(second) === "definition";
    const id = nameOf(isDefinition ? third : second);
    const linked = await this.#keep(() => this.#linked(list));
    this.#lastDefinition = linked;
    if (id) this.#definitions.set(id, linked);
    if (isDefinition) {
      if (linked instanceof Skip) throw linked;
      return;
    }
    // What imports something that nobody offers is well-formed and linkable elsewhere; that is all to be said.
    await this.#start(linked, id).catch((error: unknown) => {
      if (!(error instanceof Fault && error.code === "LK0301")) throw error;
      const skip = new Skip(`it imports what the runner does not offer (${error.message})`);
      this.#current = skip;
      if (id) this.#instances.set(id, skip);
      throw skip;
    });
  }

  async #instance(name: string | undefined, definition: string | undefined): Promise<void> {
    const linked = definition === undefined ? this.#lastDefinition : this.#definitions.get(definition);
    if (!linked) throw new Error(`there is no component ${definition}`);
    await this.#start(linked, name);
  }

  async #start(linked: Known<LinkedComponent>, name: string | undefined): Promise<void> {
    this.#current = new Error("its component was not instantiated") as Skip;
    if (name) this.#instances.set(name, new Skip("its component was not instantiated"));
    const exports = await this.#keep(async () => {
      if (linked instanceof Skip) throw linked;
      const imports = Object.fromEntries(this.#registered);
      // Where the first fails the second does too, and says why.
      if (this.#replayed) await linked.instantiate(imports).catch(() => {});
      return linked.instantiate(imports).catch(notEnabled);
    });
    this.#current = exports;
    if (name) this.#instances.set(name, exports);
    if (exports instanceof Skip) throw exports;
    if (name) this.#registered.set(name.slice(1), exports);
  }

  /** Turns a skip into something to remember. */
  async #keep<T>(work: () => Promise<T>): Promise<Known<T>> {
    try {
      return await work();
    } catch (error) {
      if (error instanceof Skip) return error;
      throw error;
    }
  }

  async #linked(list: List): Promise<LinkedComponent> {
    const bytes = await this.#bytes(list);
    const reason = needsJco(decodeComponent(bytes));
    if (reason) throw new Skip(`uses the asynchronous component model: ${reason}`);
    return linkComponent(bytes);
  }

  /** The binary of a component or module that is written as text, as quoted text, or as bytes. */
  async #bytes(list: List): Promise<Uint8Array> {
    const rest = list.items.slice(1);
    while (atomOf(rest[0])?.startsWith("$") || atomOf(rest[0]) === "definition") rest.shift();
    const strings = rest.slice(1).flatMap((node) => (node.kind === "string" ? [node.bytes] : []));
    if (atomOf(rest[0]) === "binary") return new Uint8Array(Buffer.concat(strings));
    const source =
      atomOf(rest[0]) === "quote"
        ? `(${headOf(list)} ${Buffer.concat(strings).toString()})`
        : this.#text.slice(list.start, list.end).replace(/^\(\s*component\s+definition/, "(component");
    const tools = await wasmTools();
    return tools.parse(source).catch((error: unknown) => {
      throw new Unreadable(messageOf(error));
    });
  }

  async #module(list: List): Promise<void> {
    const name = nameOf(list.items[1]);
    const bytes = await this.#bytes(list);
    const imports = Object.fromEntries(this.#registered) as WebAssembly.Imports;
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes as BufferSource), imports);
    this.#current = exports;
    if (name) this.#instances.set(name, exports);
  }

  async #register(list: List): Promise<void> {
    const exports = this.#find(atomOf(list.items[2]));
    if (exports instanceof Skip) throw exports;
    this.#registered.set(stringOf(list.items[1])!, exports);
  }

  #find(name: string | undefined): Known<Exports> {
    if (name === undefined) return this.#current;
    const found = this.#instances.get(name);
    if (!found) throw new Error(`there is no instance ${name}`);
    return found;
  }

  /** Calls what an `(invoke …)` names; a result's err is an answer too. */
  async #act(node: Node | undefined): Promise<Answer> {
    if (headOf(node) !== "invoke") throw new Skip(`this runner has no action "${headOf(node)}"`);
    const items = (node as List).items.slice(1);
    const instance = this.#find(nameOf(items[0]));
    if (nameOf(items[0])) items.shift();
    if (instance instanceof Error) throw instance;
    const name = stringOf(items.shift())!;
    const callee = (instance[camel(name)] ?? instance[name]) as ((...args: unknown[]) => unknown) | undefined;
    if (typeof callee !== "function") throw new Error(`there is no function "${name}"`);
    const type = nativeFunc(callee)?.type;
    const args = items.map((item, i) => constant(item, type?.params[i]?.type));
    const value = this.#outcome(type?.result?.kind === "result", () => callee(...args));
    return { type: type?.result, value };
  }

  #outcome(isResult: boolean, call: () => unknown): unknown {
    if (!isResult) return call();
    try {
      return { tag: "ok", val: call() };
    } catch (error) {
      if (error instanceof DeclaredError) return { tag: "err", val: error.payload };
      throw error;
    }
  }

  async #assertReturn(list: List): Promise<void> {
    const { type, value } = await this.#act(list.items[1]);
    const [expected] = list.items.slice(2).map((item) => constant(item, type));
    if (!equal(value, expected)) throw new Error(`${show(expected)} was expected, and ${show(value)} came`);
  }

  async #assertTrap(list: List): Promise<void> {
    const action = list.items[1];
    try {
      if (headOf(action) === "component") await this.#component(action as List);
      else if (headOf(action) === "module") await this.#module(action as List);
      else await this.#act(action);
    } catch (error) {
      if (error instanceof WebAssembly.RuntimeError || error instanceof RangeError) return;
      throw error;
    }
    throw new Error(`it did not trap with "${stringOf(list.items[2])}"`);
  }

  async #assertRefused(list: List, what: string): Promise<void> {
    const subject = list.items[1] as List;
    try {
      const bytes = await this.#bytes(subject);
      if (headOf(subject) === "module") new WebAssembly.Module(bytes as BufferSource);
      else {
        await (await wasmTools()).validate(bytes);
        for (const { start, end } of coreModules(decodeComponent(bytes)))
          new WebAssembly.Module(bytes.slice(start, end) as BufferSource);
      }
    } catch (error) {
      if (error instanceof Unreadable || error instanceof Fault || error instanceof WebAssembly.CompileError)
        return;
      throw error;
    }
    throw new Error(`it is not ${what} ("${stringOf(list.items[2])}"), and was taken`);
  }

  async #assertUnlinkable(list: List): Promise<void> {
    try {
      if (headOf(list.items[1]) === "module") await this.#module(list.items[1] as List);
      else {
        const linked = await this.#linked(list.items[1] as List);
        await linked.instantiate(Object.fromEntries(this.#registered));
      }
    } catch (error) {
      if (error instanceof Fault || error instanceof WebAssembly.LinkError) return;
      throw error;
    }
    throw new Error(`it linked, and "${stringOf(list.items[2])}" was expected`);
  }
}

/** Text that jco's wasm-tools does not read. */
class Unreadable extends Skip {}

interface Answer {
  readonly type: Parameters<typeof constant>[1];
  readonly value: unknown;
}

/** What the engine, or the specification's text, does not know is no matter of linking. */
const notEnabled = (error: unknown): never => {
  const lacking = / (\w+) is not enabled/.exec(messageOf(error))?.[1];
  if (lacking) throw new Skip(`the engine has no ${lacking}`);
  if (/ does not compile: /.test(messageOf(error))) throw new Skip(messageOf(error));
  const gated = /garbage-collected references|component values?\b|imports a value/.exec(messageOf(error));
  throw error instanceof Fault && gated ? new Skip(`uses what is behind a gate: ${gated[0]}`) : error;
};

const nameOf = (node: Node | undefined): string | undefined => {
  const text = atomOf(node);
  return text?.startsWith("$") ? text : undefined;
};

const coreModules = (ast: ReturnType<typeof decodeComponent>): { start: number; end: number }[] =>
  ast.definitions.flatMap((one) =>
    one.kind === "core-module" ? [one.range] : one.kind === "component" ? coreModules(one.component) : [],
  );
