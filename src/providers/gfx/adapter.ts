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
  /** The Dawn that draws into windows itself, where one is wanted; it is asked first. LK0744. */
  readonly windowDawn?: () => Promise<WindowDawn | undefined>;
}

/** What draws into windows, as far as the search knows it. */
export interface WindowDawn {
  readonly where: string;
  readonly instance: () => Promise<GPU>;
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

/** One of the two Dawns: its name, and how it makes instances. */
interface Maker {
  readonly name: string;
  readonly instance: () => Promise<GPU | undefined>;
}

/** The Dawn instances of this process, each made once: what they find does not change. */
const instances = new Map<string, Promise<GPU | undefined>>();

const once = (maker: Maker, key: string, make: () => Promise<GPU | undefined>): Promise<GPU | undefined> => {
  const named = `${maker.name}\n${key}`;
  const made = instances.get(named) ?? make();
  instances.set(named, made);
  return made;
};

/** Lets the next request look for drivers anew, after one was lost. */
export const forgetAdapters = (): void => instances.clear();

/** An adapter, or undefined with what was looked for. Each request gives one of its own. */
export const findAdapter = async (
  wish: AdapterWish,
  { environment, drivers, windowDawn }: AdapterWorld,
): Promise<GPUAdapter | { readonly looked: readonly string[] }> => {
  const own: Maker = { name: "own", instance: dawnInstance };
  const intoWindows = await windowDawn?.();
  const makers = intoWindows ? [{ ...intoWindows, name: intoWindows.where }, own] : [own];
  let looked: string[] = [];
  const chosen = environment.LOOP_GPU ?? "";
  const only = chosen === "hardware" || chosen === "software" ? chosen : undefined;
  const named = chosen !== "" && only === undefined ? chosen : undefined;
  const wanted: Kind[] =
    named || wish.forceFallbackAdapter || only === "software" ? ["software"] : ["hardware"];
  if (wanted[0] === "hardware" && only !== "hardware") wanted.push("software");
  for (const kind of wanted) {
    const before = looked;
    for (const maker of makers) {
      // Both look in the same places.
      looked = [...before];
      const adapter =
        kind === "hardware"
          ? await hardwareAdapter(maker, wish, environment, looked)
          : await softwareAdapter(maker, wish, named ? [namedDriver(named)] : drivers(), looked);
      if (adapter) return adapter;
    }
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

/** Where the loader looks for descriptions of drivers, as its documentation has it. */
const describedFolders = (environment: AdapterWorld["environment"]): string[] => {
  const list = (name: string, otherwise: string) => (environment[name] || otherwise).split(":");
  const home = environment.HOME ?? "/";
  return [
    ...list("XDG_CONFIG_HOME", join(home, ".config")),
    ...list("XDG_CONFIG_DIRS", "/etc/xdg"),
    "/etc",
    ...list("XDG_DATA_HOME", join(home, ".local/share")),
    ...list("XDG_DATA_DIRS", "/usr/local/share:/usr/share"),
    "/run/opengl-driver/share",
  ].map((folder) => join(folder, "vulkan/icd.d"));
};

/** Whether there is any driver to try: without a loader, or one to load, Dawn complains on standard error each time. */
const missingDriver = (environment: AdapterWorld["environment"]): string | undefined => {
  if (process.platform !== "linux") return undefined;
  const named = ["VK_DRIVER_FILES", "VK_ICD_FILENAMES", "VK_ADD_DRIVER_FILES"].some(
    (name) => environment[name],
  );
  const there = describedFolders(environment).some((folder) =>
    entriesOf(folder).some((name) => name.endsWith(".json")),
  );
  if (!named && !there) return "a driver for this machine's graphics (vulkan/icd.d)";
  return loadVulkan("libvulkan.so.1") ? undefined : "a Vulkan loader (libvulkan.so.1)";
};

const hardwareAdapter = async (
  maker: Maker,
  wish: AdapterWish,
  environment: AdapterWorld["environment"],
  looked: string[],
): Promise<GPUAdapter | undefined> => {
  const missing = missingDriver(environment);
  if (missing !== undefined) {
    looked.push(missing);
    return undefined;
  }
  const instance = await once(maker, "hardware", maker.instance);
  const adapter = await instance?.requestAdapter(optionsOf(wish));
  if (adapter && !isFallback(adapter)) return adapter;
  looked.push(
    instance ? "a graphics driver of this machine" : `Dawn for ${process.platform} ${process.arch}`,
  );
  return undefined;
};

const softwareAdapter = async (
  maker: Maker,
  wish: AdapterWish,
  drivers: readonly SoftwareDriver[],
  looked: string[],
): Promise<GPUAdapter | undefined> => {
  for (const driver of drivers) {
    looked.push(`${driver.name} (${driver.description})`);
    // The loader would say so on standard error.
    if (!existsSync(driver.description)) continue;
    const instance = await once(maker, driver.description, async () => {
      // The system's own loader first: one in a browser's folder is for where there is none.
      if (!loadVulkan("libvulkan.so.1") && !(driver.loader && loadVulkan(driver.loader))) return undefined;
      return withVariable("VK_DRIVER_FILES", driver.description, async () => {
        const made = await maker.instance();
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
