// For the builders' own tests: a built component, instantiated with what a test gives it and nothing else.
import { unversioned } from "../contract/model.ts";
import { decoded } from "../host/decoded.ts";
import { deniedInterface } from "../host/denied.ts";
import { jcoLinker } from "../host/jco.ts";
import { verify } from "../trust/verify.ts";

export type Callable = (...args: unknown[]) => unknown;
export type Functions = Record<string, Callable>;

export interface Probe {
  /** By WIT name, functions in camelCase and interfaces by their full name. */
  readonly exports: Readonly<Record<string, unknown>>;
  readonly imports: readonly string[];
  /** What it has written since the last time this was asked. */
  readonly stdout: () => string;
  readonly stderr: () => string;
}

/**
 * `given` is keyed by interface names without version, and by names of the world's own functions. Standard output
 * and error are kept; every other import is denied when it is called.
 */
export const probe = async (
  bytes: Uint8Array,
  given: Readonly<Record<string, Readonly<Record<string, unknown>> | Callable>> = {},
): Promise<Probe> => {
  const written = { stdout: "", stderr: "" };
  class OutputStream {
    constructor(readonly to: keyof typeof written) {}
    blockingWriteAndFlush(text: Uint8Array): void {
      written[this.to] += new TextDecoder().decode(text);
    }
  }
  const all: Readonly<Record<string, Readonly<Record<string, unknown>> | Callable>> = {
    "wasi:io/streams": { OutputStream },
    "wasi:cli/stdout": { getStdout: () => new OutputStream("stdout") },
    "wasi:cli/stderr": { getStderr: () => new OutputStream("stderr") },
    ...given,
  };
  const component = verify("probe", bytes);
  const known = decoded(component);
  const { world } = known;
  const imports: Record<string, unknown> = {};
  for (const [name, extern] of world.imports) {
    const own = all[unversioned(name)];
    if (extern.kind === "func") imports[name] = own;
    if (extern.kind !== "interface") continue;
    const denied = deniedInterface(
      extern.interface,
      "it is not part of this test",
      () => undefined,
    ) as Record<string, { prototype: object }>;
    if (unversioned(name) === "wasi:io/streams")
      Object.setPrototypeOf(OutputStream.prototype, denied.OutputStream!.prototype);
    imports[name] = { ...denied, ...own };
  }
  const linked = await jcoLinker.link({ component, decoded: known, suspending: new Set() });
  const take = (from: keyof typeof written) => () => {
    const text = written[from];
    written[from] = "";
    return text;
  };
  return {
    exports: await linked.instantiate(imports),
    imports: [...world.imports.keys()].map(unversioned),
    stdout: take("stdout"),
    stderr: take("stderr"),
  };
};
