import { existsSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { fault } from "../../base/fault.ts";
import { dawnInstance, loadVulkan, withVariable } from "./dawn.ts";

// Which adapter a component gets: hardware first, then a Vulkan that computes in software, then a clear fault.

/** Where a Vulkan driver in software lies: its description and, where one lies beside it, a loader. */
export interface SoftwareDriver {
  readonly name: string;
  /** What VK_DRIVER_FILES names. */
  readonly description: string;
  readonly loader: string | undefined;
}

export interface AdapterWish {
  readonly powerPreference?: GPUPowerPreference | undefined;
  readonly forceFallbackAdapter?: boolean | undefined;
}

/** What the search needs of the world; tests give their own. */
export interface AdapterWorld {
  /** The variables of the process: LOOP_GPU chooses "hardware" or "software", or the path of a driver's ICD file. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly drivers: () => readonly SoftwareDriver[];
}

/** Folders in which a browser brings SwiftShader along. */
const browserFolders = [
  "/usr/lib/chromium",
  "/usr/lib64/chromium-browser",
  "/usr/lib/chromium-browser",
  "/opt/google/chrome",
  "/opt/chromium.org/chromium",
  "/opt/microsoft/msedge",
];

/** Folders in which the system's Vulkan looks for drivers. */
const driverFolders = ["/usr/share/vulkan/icd.d", "/etc/vulkan/icd.d", "/usr/local/share/vulkan/icd.d"];

/** Drivers in software that lie on this machine, the better ones first. */
export const softwareDrivers = (): SoftwareDriver[] => {
  if (process.platform !== "linux") return [];
  const swiftShaders = browserFolders
    .map((folder) => join(folder, "vk_swiftshader_icd.json"))
    .filter((path) => existsSync(path))
    .map((description) => ({ name: "SwiftShader", description, loader: loaderBeside(description) }));
  const lavapipes = driverFolders.flatMap((folder) =>
    entriesOf(folder)
      .filter((name) => /^(lvp|swiftshader).*\.json$/.test(name))
      .map((name) => ({ name: "lavapipe", description: join(folder, name), loader: undefined })),
  );
  return [...swiftShaders, ...lavapipes];
};

const loaderBeside = (description: string): string | undefined => {
  const path = join(dirname(description), "libvulkan.so.1");
  return existsSync(path) ? path : undefined;
};

const entriesOf = (folder: string): string[] => {
  try {
    return readdirSync(folder).sort();
  } catch {
    return [];
  }
};

type Kind = "hardware" | "software";

/** The Dawn instances of this process, each made once: what they find does not change. */
const instances = new Map<string, Promise<GPU | undefined>>();

const once = (key: string, make: () => Promise<GPU | undefined>): Promise<GPU | undefined> => {
  const made = instances.get(key) ?? make();
  instances.set(key, made);
  return made;
};

/** Lets the next request look for drivers anew, after one was lost. */
export const forgetAdapters = (): void => instances.clear();

/** An adapter, or undefined with what was looked for. Each request gives one of its own. */
export const findAdapter = async (
  wish: AdapterWish,
  { environment, drivers }: AdapterWorld,
): Promise<GPUAdapter | { readonly looked: readonly string[] }> => {
  const looked: string[] = [];
  const chosen = environment.LOOP_GPU ?? "";
  const only = chosen === "hardware" || chosen === "software" ? chosen : undefined;
  const named = chosen !== "" && only === undefined ? chosen : undefined;
  const wanted: Kind[] =
    named || wish.forceFallbackAdapter || only === "software" ? ["software"] : ["hardware"];
  if (wanted[0] === "hardware" && only !== "hardware") wanted.push("software");
  for (const kind of wanted) {
    const adapter =
      kind === "hardware"
        ? await hardwareAdapter(wish, looked)
        : await softwareAdapter(wish, named ? [namedDriver(named)] : drivers(), looked);
    if (adapter) return adapter;
  }
  return { looked };
};

const namedDriver = (description: string): SoftwareDriver => ({
  name: "LOOP_GPU",
  description,
  loader: loaderBeside(description),
});

const optionsOf = ({ powerPreference }: AdapterWish): GPURequestAdapterOptions =>
  powerPreference === undefined ? {} : { powerPreference };

const hardwareAdapter = async (wish: AdapterWish, looked: string[]): Promise<GPUAdapter | undefined> => {
  // Without a loader Dawn says so on standard error, each time.
  if (process.platform === "linux" && !loadVulkan("libvulkan.so.1")) {
    looked.push("a Vulkan loader (libvulkan.so.1)");
    return undefined;
  }
  const instance = await once("hardware", dawnInstance);
  const adapter = await instance?.requestAdapter(optionsOf(wish));
  if (adapter && !isFallback(adapter)) return adapter;
  looked.push(
    instance ? "a graphics driver of this machine" : `Dawn for ${process.platform} ${process.arch}`,
  );
  return undefined;
};

const softwareAdapter = async (
  wish: AdapterWish,
  drivers: readonly SoftwareDriver[],
  looked: string[],
): Promise<GPUAdapter | undefined> => {
  for (const driver of drivers) {
    looked.push(`${driver.name} (${driver.description})`);
    // The loader would say so on standard error.
    if (!existsSync(driver.description)) continue;
    const instance = await once(driver.description, async () => {
      // The system's own loader first: one in a browser's folder is for where there is none.
      if (!loadVulkan("libvulkan.so.1") && !(driver.loader && loadVulkan(driver.loader))) return undefined;
      return withVariable("VK_DRIVER_FILES", driver.description, async () => {
        const made = await dawnInstance();
        // It looks for drivers when it is first asked.
        await made?.requestAdapter();
        return made;
      });
    });
    const adapter = await instance?.requestAdapter(optionsOf(wish));
    if (adapter) return adapter;
  }
  if (drivers.length === 0) looked.push("a Vulkan driver in software (SwiftShader, lavapipe)");
  return undefined;
};

/** Whether it computes in software; older bindings have it on the adapter. */
export const isFallback = (adapter: GPUAdapter): boolean =>
  (adapter.info as GPUAdapterInfo & { isFallbackAdapter?: boolean }).isFallbackAdapter ?? false;

/** LK0741. */
export const noAdapter = (looked: readonly string[]) =>
  fault("LK0741", `No GPU was found; looked for ${looked.join(", ")}`, {
    hint:
      process.platform === "linux"
        ? "apt install chromium-common brings a GPU in software (SwiftShader); or name a Vulkan driver: LOOP_GPU=/path/to/icd.json"
        : "Install a driver for this machine's graphics",
  });
