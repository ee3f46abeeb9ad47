import { readdirSync, readFileSync, statSync } from "node:fs";
import { isAbsolute, join, relative } from "node:path";
import { type Digest, digestOf } from "../base/digest.ts";
import { errno, fault } from "../base/fault.ts";
import { writeFileAtomic } from "../base/files.ts";
import { type Manifest, manifestName, readManifest } from "../base/manifest/manifest.ts";
import { timed } from "../base/timings.ts";
import { appendCustomSection } from "../contract/binary/sections.ts";
import {
  type CapabilityWish,
  capabilitiesSection,
  capabilitiesText,
  wishesOf,
} from "../contract/capability.ts";
import { type CommandsSection, commandsFormat, commandsSection } from "../contract/description.ts";
import type { Builder, BuildRequest } from "./builder.ts";
import { withProducer } from "./producers.ts";
import { isFresh, readStamp, type Stamp, stampBeside, stampOf, writeStamp } from "./stamp.ts";
import { projectWit, witFolder } from "./wit.ts";

/** What `buildProject` answers; the WIT record `loop:build/builds.outcome` of the same fields. */
export interface Outcome {
  readonly name: string;
  readonly language: string;
  /** Absolute path of the component in build/. */
  readonly component: string;
  readonly digest: Digest;
  readonly bytes: number;
  /** False where nothing had changed and nothing was done. */
  readonly built: boolean;
  readonly durationMs: number;
  readonly warnings: readonly string[];
}

export interface BuildOptions {
  /** Who builds a language; the composition root asks the `builder:<language>` slot. Throws LK0601 for none. */
  builderFor(language: string): Builder | Promise<Builder>;
  /** For development: what is made sooner will do (`BuildRequest.quick`), and so will what was made in full. */
  readonly quick?: boolean | undefined;
  /** Builds even where nothing has changed. */
  readonly force?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
  /** The digest of a component that was built before, by whoever remembers it; it is read where nobody is named. */
  readonly digestOfFile?: ((file: string) => Digest) | undefined;
  readonly onProgress?: ((detail: string) => void) | undefined;
}

const buildFolder = "build";

/**
 * Builds the component of a folder where its sources have changed: build/NAME.wasm, and the typings beside the
 * source. Every file is written whole or not at all, so an interrupted build, or two at once, leave a component
 * that is right. Faults: LK0504 and other LK05 for the loop.toml, LK0005, LK0006, LK06.
 */
export const buildProject = async (folder: string, options: BuildOptions): Promise<Outcome> => {
  const startMs = performance.now();
  const manifest = readManifest(join(folder, manifestName));
  const { component } = manifest;
  if (!component)
    throw fault("LK0607", `${manifest.path} has no [component] table, so there is nothing to build here`, {
      hint: manifest.workspace?.members.length
        ? `loop build FOLDER, of one of its members: ${manifest.workspace.members.slice(0, 4).join(", ")}`
        : "loop new component NAME",
    });
  const main = mainOf(manifest);
  const language = component.language ?? languageOf(manifest, main);
  const builder = await options.builderFor(language);
  const output = join(manifest.folder, buildFolder, `${component.name}.wasm`);
  const wishes = wishesOf(manifest.capabilities);
  // A list of its own only where there is one, so that what was built before reasons could be given stays fresh.
  const said = [manifest.component, manifest.build, manifest.commands, main];
  const settings = JSON.stringify(wishes.length > 0 ? [...said, wishes] : said);
  const identity = { builder: `${builder.language} ${builder.version}`, settings };
  // Under a name of its own, so that whoever does not ask for what was made quickly never takes it.
  const quickIdentity = { ...identity, builder: `${identity.builder}, quick` };
  const stampPath = stampBeside(output);
  const outcome = (built: boolean, stamp: Stamp, warnings: readonly string[]): Outcome => ({
    name: component.name,
    language,
    component: output,
    digest: stamp.component.digest as Digest,
    bytes: stamp.component.size,
    built,
    durationMs: Math.round(performance.now() - startMs),
    warnings,
  });
  const before = options.force ? undefined : readStamp(stampPath);
  const will = options.quick ? [quickIdentity, identity] : [identity];
  const fits = will.find(({ builder }) => before?.identity.builder === builder);
  const asked = async (): Promise<BuildRequest> => ({
    folder: manifest.folder,
    name: component.name,
    main,
    world: component.world,
    wit: await projectWit(manifest.folder),
    settings: settingsOf(manifest),
    quick: options.quick,
    onProgress: options.onProgress,
    signal: options.signal,
  });
  if (
    before &&
    fits &&
    timed("stale?", () => isFresh(before, manifest.folder, fits, output, options.digestOfFile))
  ) {
    // Beside everything else: nobody waits for it before something is changed.
    if (options.quick && builder.prepare)
      void asked()
        .then((request) => builder.prepare!(request))
        .catch(() => {});
    return outcome(false, before, []);
  }
  const startedMs = Date.now();
  const beganMs = performance.now();
  const request = await asked();
  throwIfAborted(options.signal);
  const result = await timed("build", () => builder.build(request));
  throwIfAborted(options.signal);
  const made = result.quick ? quickIdentity : identity;
  const bytes = withWishes(withCommands(withProducer(result.component, made.builder), manifest), wishes);
  for (const [path, text] of result.generated) writeIfChanged(within(manifest.folder, path), text);
  const stamp = stampOf({
    folder: manifest.folder,
    identity: made,
    // A clock that was set back meanwhile gives what is written an earlier time than the beginning had.
    startedMs: Math.min(startedMs, Date.now() - (performance.now() - beganMs)),
    inputs: [manifest.path, ...result.inputs],
    folders: [witFolder],
    generated: [...result.generated.keys()],
    digest: digestOf(bytes),
    size: bytes.length,
  });
  writeFileAtomic(output, bytes);
  writeStamp(stampPath, stamp);
  return outcome(true, stamp, result.warnings);
};

const throwIfAborted = (signal: AbortSignal | undefined): void => {
  if (signal?.aborted) throw fault("LK0005", "The build was interrupted; nothing was written");
};

/** The main file: [build] main, or the only src/main.* there is. */
const mainOf = (manifest: Manifest): string => {
  const { main } = manifest.build;
  if (main !== undefined) return existing(manifest, main);
  const found = list(join(manifest.folder, "src")).filter((name) => /^main\.[a-z0-9]+$/.test(name));
  if (found.length === 1) return `src/${found[0]}`;
  const exists = found.length === 0 ? "there is none" : `there are ${found.join(" and ")}`;
  throw fault("LK0607", `One src/main.* was looked for in ${manifest.folder}, and ${exists}`, {
    hint: `write the path into ${manifest.path}: [build] main = "src/main.ts"`,
  });
};

const existing = (manifest: Manifest, main: string): string => {
  const path = within(manifest.folder, main);
  const kind = statSync(path, { throwIfNoEntry: false });
  if (kind?.isFile()) return main;
  throw fault(
    "LK0607",
    `${manifest.at("build", "main")}: The main source file was looked for at ${path}, and ${kind ? "that is no file" : "there is none"}`,
  );
};

const list = (folder: string): string[] => {
  try {
    return readdirSync(folder).sort();
  } catch (error) {
    if (errno(error) === "ENOENT" || errno(error) === "ENOTDIR") return [];
    throw fault("LK0007", `Cannot read ${folder}: ${(error as Error).message}`, { cause: error });
  }
};

/** loop.toml may leave the language out where the main file's ending says it. */
const languageOf = (manifest: Manifest, main: string): string => {
  const language = { ts: "typescript", mts: "typescript", js: "typescript", mjs: "typescript" }[
    main.split(".").at(-1)!
  ];
  if (language) return language;
  throw fault(
    "LK0505",
    `${manifest.at("component")}: [component] has no "language", and ${main} does not say it`,
    {
      hint: 'write it: language = "c"',
    },
  );
};

/** What a builder wants to know beyond the main file: [build], with the free table of a builder from elsewhere. */
const settingsOf = (manifest: Manifest): Record<string, unknown> => {
  const { main: _, settings, ...known } = manifest.build;
  return { ...settings, ...known };
};

/** A path from loop.toml or a builder, which stays below the folder. */
const within = (folder: string, path: string): string => {
  const absolute = join(folder, path);
  const back = relative(folder, absolute);
  if (isAbsolute(path) || back.startsWith("..") || back === "")
    throw fault("LK0607", `${path} leads out of ${folder}; a path below it was looked for`);
  return absolute;
};

/** An unchanged file keeps its time, so that an editor or `tsc --watch` does not start anew. */
const writeIfChanged = (path: string, text: string): void => {
  try {
    if (readFileSync(path, "utf8") === text) return;
  } catch {
    // Not there yet, or unreadable: writing says which.
  }
  writeFileAtomic(path, text);
};

/** The static description of the component's commands travels inside it. */
const withCommands = (component: Uint8Array, { commands }: Manifest): Uint8Array => {
  if (commands.length === 0) return component;
  const section: CommandsSection = { format: commandsFormat, commands };
  return appendCustomSection(component, commandsSection, new TextEncoder().encode(JSON.stringify(section)));
};

/** Why it wants what it wants, for whoever is asked. */
const withWishes = (component: Uint8Array, wishes: readonly CapabilityWish[]): Uint8Array =>
  wishes.length === 0
    ? component
    : appendCustomSection(component, capabilitiesSection, capabilitiesText(wishes));
