// Sidecars without a command line: a contract out of WIT's words, a program that serves it, and its calls. Owns the
// instances until a file's tests are over; called by tests alone.
import { afterAll } from "bun:test";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Func, Interface } from "../src/contract/model.ts";
import { readSignature } from "../src/contract/wrpc/signature.ts";
import type { Instance } from "../src/host/instance.ts";
import type { InstanceContext } from "../src/host/provider.ts";
import { planSidecar } from "../src/host/sidecar/plan.ts";
import { noGrants } from "../src/trust/grants.ts";
import { verifyProgram } from "../src/trust/verify.ts";

export const fixtures = join(import.meta.dir, "fixtures/sidecar");
/** An interface of these resources and functions, each as a sidecar itself would offer it. */
export const contractOf = (
  name: string,
  resources: readonly string[],
  ...functions: string[]
): Interface => ({
  name,
  types: new Map(
    resources.map((one) => [one, { kind: "resource", resource: { name: one, owner: name } }] as const),
  ),
  funcs: new Map(
    functions.map((text) => readSignature(text, () => name) as Func).map((func) => [func.name, func]),
  ),
});

const item = "record { name: string, count: u32, tags: list<string> }";
const price = "variant { free, fixed(f64), named(string) }";
export const shop = contractOf(
  "demo:side/shop@0.1.0",
  [],
  `find: func(name: string) -> option<${item}>`,
  `buy: func(items: list<${item}>) -> result<${price}, string>`,
  "misbehave: func(how: string) -> string",
);

const judge = {
  trusts: () => true,
  requires: () => undefined,
  keyring: () => {
    throw new Error("nobody signs a program");
  },
  memory: undefined as never,
};

export interface Started {
  readonly instance: Instance;
  readonly said: string[];
  call(func: string, ...args: unknown[]): Promise<unknown>;
}

/** Starts programs for one file of tests, with a folder of its own, and ends them when its tests are over. */
export const sidecars = () => {
  const folder = mkdtempSync(join(tmpdir(), "loop-sidecar-"));
  const open: Instance[] = [];
  afterAll(() => {
    for (const instance of open) instance.drop();
    rmSync(folder, { recursive: true, force: true });
  });

  const start = async (
    file: string,
    timeoutMs = 5_000,
    contract = shop,
    before?: InstanceContext,
    environment: Readonly<Record<string, string>> = {},
  ): Promise<Started> => {
    const identifier = `sidecar:${file}`;
    const program = verifyProgram(identifier, readFileSync(file), judge);
    const plan = planSidecar({
      program,
      slot: "shop",
      contracts: [contract],
      timeoutMs,
      start: { file, folder, name: "shop", environment: { PATH: "/usr/bin:/bin", ...environment } },
      requireSame: () => {},
    });
    const said: string[] = [];
    const sink = {
      write: (bytes: Uint8Array) => void said.push(new TextDecoder().decode(bytes)),
      flush() {},
    };
    const context: InstanceContext = {
      component: { identifier, digest: program.digest },
      args: [],
      grants: noGrants,
      stdio: {
        stdin: { read: () => undefined, isTerminal: false },
        stdout: { ...sink, isTerminal: false },
        stderr: { ...sink, isTerminal: false },
      },
      onDrop: () => {},
      ...(before && { before }),
    };
    const instance = await plan.instantiate(context);
    open.push(instance);
    return { instance, said, call: (func, ...args) => instance.call(contract.name, func, args) };
  };
  return { folder, start };
};

/** What work throws. */
export const failureOf = async (work: unknown): Promise<unknown> => {
  try {
    await work;
  } catch (error) {
    return error;
  }
  throw new Error("nothing was thrown");
};
