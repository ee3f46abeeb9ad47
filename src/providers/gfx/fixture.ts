import { afterEach, expect } from "bun:test";
import { join } from "node:path";
import { DeclaredError, Fault } from "../../base/fault.ts";
import { limits } from "../../base/limits.ts";
import type { Event, InstanceContext } from "../../host/provider.ts";
import { noGrants } from "../../trust/grants.ts";
import type * as classes from "./classes.ts";
import { type GfxServices, gfxProvider } from "./gfx.ts";
import type { GpuAdapter } from "./gpu.ts";
import { tryLibrary } from "./wgpu/library.ts";

// What the tests here share: one instance's GPU in software, called as a component in JavaScript's mapping calls it.

/** The library for windows as its package brings it: these tests fail without. */
export const libraryPath = join(
  import.meta.dir,
  "../../../node_modules/bun-webgpu-linux-x64/libwebgpu_wrapper.so",
);

/** Both of what draws: the addon that is carried, and the library that draws into windows. */
export const dawns: readonly (readonly [name: string, windowDawn: GfxServices["windowDawn"]])[] = [
  ["the addon", undefined],
  [
    "the library for windows",
    async () => {
      const found = tryLibrary(libraryPath, "test");
      if (typeof found === "string") throw new Error(`${libraryPath}: ${found}`);
      return found;
    },
  ],
];

let windowDawn: GfxServices["windowDawn"];
/** What `open` draws with from now on. */
export const drawWith = (dawn: GfxServices["windowDawn"]): void => {
  windowDawn = dawn;
};

export interface Webgpu {
  hasAdapter(): Promise<boolean>;
  requestAdapter(wish?: { forceFallbackAdapter?: boolean }): Promise<GpuAdapter>;
}

export const drops: (() => void)[] = [];
afterEach(() => {
  for (const drop of drops.splice(0).reverse()) drop();
});

/** One instance, which ends with the test. */
export const instance = (more: Partial<InstanceContext> = {}) => {
  const releases: (() => void)[] = [];
  const drop = () => {
    for (const release of releases.splice(0).reverse()) release();
  };
  drops.push(drop);
  const context: InstanceContext = {
    component: { identifier: "test.wasm", digest: "sha256:00" },
    args: [],
    grants: { ...noGrants, capabilities: new Set(["loop:gfx"]) },
    stdio: undefined as never,
    shared: { pollable: (event) => event },
    ...more,
    onDrop: (release) => void releases.push(release),
  };
  return { context, drop };
};

const software = { LOOP_GPU: "software" };

/** What the provider is given. */
export const services = (
  bytesMax: number = limits.gpuBytesMax,
  environment: Record<string, string> = software,
): GfxServices => ({ environment, bounds: { bytesMax }, ...(windowDawn && { windowDawn }) });

export const open = async (
  environment: Record<string, string> = software,
  bytesMax?: number,
  before?: InstanceContext,
) => {
  const begun = instance(before && { before });
  const made = await gfxProvider(services(bytesMax, environment)).instantiate(begun.context);
  return {
    ...begun,
    webgpu: made["loop:gfx/webgpu@0.1.0"] as unknown as Webgpu,
    made,
    poll: made["loop:gfx/webgpu-poll@0.1.0"] as unknown as Record<string, (one: object) => Event>,
  };
};

export const device = async (
  descriptor: { keepUncapturedErrors?: boolean } = {},
): Promise<classes.GpuDevice> => (await (await open()).webgpu.requestAdapter()).requestDevice(descriptor);

export const faultOf = async (work: () => unknown): Promise<Fault> => {
  try {
    await work();
  } catch (error) {
    expect(error).toBeInstanceOf(Fault);
    return error as Fault;
  }
  throw new Error("Nothing was thrown");
};

export const declaredOf = async (work: () => unknown): Promise<{ kind: string; message: string }> => {
  try {
    await work();
  } catch (error) {
    expect(error).toBeInstanceOf(DeclaredError);
    return (error as DeclaredError).payload as never;
  }
  throw new Error("Nothing was thrown");
};

export const usage = (...names: string[]) => Object.fromEntries(names.map((name) => [name, true]));

export const red = `@vertex fn v(@builtin(vertex_index) i: u32) -> @builtin(position) vec4f {
  let at = array(vec2f(-1, -1), vec2f(3, -1), vec2f(-1, 3));
  return vec4f(at[i], 0, 1);
}
@fragment fn f() -> @location(0) vec4f { return vec4f(1, 0.5, 0, 1); }`;

export const redPipeline = (gpu: classes.GpuDevice) => {
  const module = gpu.createShaderModule({ code: red });
  return gpu.createRenderPipeline({
    vertex: { module },
    fragment: { module, targets: [{ format: "rgba8unorm", writeMask: usage("red", "green", "alpha") }] },
  });
};
