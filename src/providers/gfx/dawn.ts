import { dlopen, ptr } from "bun:ffi";
import { createRequire } from "node:module";
import { loadAddon } from "../../base/native.ts";
import { compiled } from "../../base/resources.ts";

// Dawn, which is WebGPU: the package's addon, its instances, and the Vulkan loader beneath. Knows no adapter and no
// WIT. Everything here belongs to the process; what belongs to a component is made from an instance.

interface Dawn {
  create(options: readonly string[]): GPU;
  readonly globals: Readonly<Record<string, unknown>> & { readonly GPUDevice: { prototype: GPUDevice } };
}

let loaded: Dawn | undefined;

/** Instances are kept for the life of the process: Bun ends with a crash when one is collected. */
const instances: GPU[] = [];

/** Loads it, for whoever is the first to want a GPU: a tenth of a second, and 20 MB. LK0741 where it is not made. */
const dawn = async (): Promise<Dawn | undefined> => {
  if (loaded) return loaded;
  const path = await addonPath();
  if (path === undefined) return undefined;
  // From source Bun gives no path of an addon that it has not bundled.
  loaded = compiled ? loadAddon<Dawn>(path) : (createRequire(import.meta.url)(path) as Dawn);
  unmapAtDestroy(loaded.globals.GPUDevice.prototype);
  return loaded;
};

/**
 * A new Dawn instance, which looks for drivers anew; undefined where Dawn is not made for this platform. It has
 * the environment of this moment.
 */
export const dawnInstance = async (): Promise<GPU | undefined> => {
  const instance = (await dawn())?.create([]);
  if (instance) instances.push(instance);
  return instance;
};

/**
 * WebGPU says that `destroy` unmaps a device's buffers; Dawn's binding leaves them, and what they gave out, mapped.
 * The package's own index does the same, and cannot be bundled: it looks for its addon by a name made at run time.
 */
const unmapAtDestroy = (prototype: GPUDevice): void => {
  const buffers = new WeakMap<GPUDevice, Set<WeakRef<GPUBuffer>>>();
  const gone = new FinalizationRegistry<() => void>((forget) => forget());
  const { createBuffer, destroy } = prototype;
  prototype.createBuffer = function (this: GPUDevice, descriptor) {
    const buffer = createBuffer.call(this, descriptor);
    const known = buffers.get(this) ?? new Set();
    buffers.set(this, known);
    const reference = new WeakRef(buffer);
    known.add(reference);
    gone.register(buffer, () => known.delete(reference));
    return buffer;
  };
  prototype.destroy = function (this: GPUDevice) {
    for (const reference of buffers.get(this) ?? []) {
      const buffer = reference.deref();
      if (buffer?.mapState === "mapped") buffer.unmap();
    }
    buffers.delete(this);
    return destroy.call(this);
  };
};

/**
 * Makes `libvulkan.so.1` known to the process from this path, so that Dawn, which asks for it by name, gets it.
 * False where it cannot be loaded.
 */
export const loadVulkan = (path: string): boolean => {
  try {
    // Kept loaded: nobody closes it.
    dlopen(path, { vkGetInstanceProcAddr: { args: ["ptr", "ptr"], returns: "ptr" } });
    return true;
  } catch {
    return false;
  }
};

/** Runs `work` with a variable set where C sees it (`process.env` is JavaScript's own), and puts back what was there. */
export const withVariable = async <T>(name: string, value: string, work: () => Promise<T>): Promise<T> => {
  const text = (of: string) => ptr(Buffer.from(`${of}\0`));
  const { setenv, unsetenv } = libc().symbols;
  const before = process.env[name];
  setenv(text(name), text(value), 1);
  try {
    return await work();
  } finally {
    if (before === undefined) unsetenv(text(name));
    else setenv(text(name), text(before), 1);
  }
};

const libc = () =>
  dlopen(process.platform === "darwin" ? "libc.dylib" : "libc.so.6", {
    setenv: { args: ["ptr", "ptr", "i32"], returns: "i32" },
    unsetenv: { args: ["ptr"], returns: "i32" },
  });

/** A literal path in a branch of its own embeds only the addon that fits. */
const addonPath = async (): Promise<string | undefined> => {
  const { platform, arch } = process;
  if (!compiled) {
    const folder = platform === "darwin" ? "darwin-universal" : `${platform}-${arch}`;
    try {
      return Bun.resolveSync(`webgpu/dist/${folder}/dawn.node`, import.meta.dir);
    } catch {
      return undefined;
    }
  }
  if (process.platform === "linux" && process.arch === "x64")
    return (await import("webgpu/dist/linux-x64/dawn.node", { with: { type: "file" } })).default;
  if (process.platform === "linux" && process.arch === "arm64")
    return (await import("webgpu/dist/linux-arm64/dawn.node", { with: { type: "file" } })).default;
  if (process.platform === "darwin")
    return (await import("webgpu/dist/darwin-universal/dawn.node", { with: { type: "file" } })).default;
  if (process.platform === "win32" && process.arch === "x64")
    return (await import("webgpu/dist/win32-x64/dawn.node", { with: { type: "file" } })).default;
  if (process.platform === "win32" && process.arch === "arm64")
    return (await import("webgpu/dist/win32-arm64/dawn.node", { with: { type: "file" } })).default;
  return undefined;
};
