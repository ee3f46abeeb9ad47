import { existsSync, readFileSync, rmSync } from "node:fs";
import { basename, join } from "node:path";
import type { Catalog } from "../src/app/catalog.ts";
import { builderMembers, commandMembers } from "../src/app/members.ts";
import { writeFileAtomic } from "../src/base/files.ts";
import type { Builder } from "../src/builders/builder.ts";
import { buildProject } from "../src/builders/project.ts";
import { readCommands } from "../src/contract/commands.ts";
import { recalledPath } from "../src/host/recall.ts";
import { rehearse } from "../src/host/rehearse.ts";
import { carriedName as webgpuName } from "../src/providers/gfx/wgpu/library.ts";
import { carriedName as sdlName } from "../src/providers/window/sdl/library.ts";
import { verify } from "../src/trust/verify.ts";
import { filesBelow, root, stage } from "./carried.ts";
import { adapterPaths } from "./executable.ts";
import { sdlToCarry } from "./sdl.ts";
import { webgpuToCarry } from "./webgpu.ts";

// Stage 1: what loop carries and is itself made of. The commands of loop are components that loop builds; here
// the sources of loop build them, before any executable exists, through the same `buildProject` that the
// executable offers to everyone. That is the whole bootstrap: no earlier loop is needed.

/** Libraries that a person names for the executable to carry. */
export interface Named {
  readonly sdl?: string | undefined;
  readonly webgpu?: string | undefined;
}

/** Fills build/stage; does again only what has changed. */
export const fillStage = async (force: boolean, named: Named = {}): Promise<void> => {
  for (const path of adapterPaths()) place(`adapters/${basename(path)}`, readFileSync(path));
  const kept = new Set<string>();
  const catalog: Record<string, Catalog[string]> = {};
  for (const { component } of commandMembers) {
    const outcome = await buildProject(join(root, "src/commands", component), { builderFor, force });
    console.log(
      `  ${outcome.built ? "built" : "fresh"} ${component} (${Math.ceil(outcome.bytes / 1024)} KiB)`,
    );
    const bytes = readFileSync(outcome.component);
    const path = `commands/${component}.wasm`;
    place(path, bytes);
    kept.add(path);
    const identifier = `builtin:${component}`;
    catalog[component] = readCommands(identifier, bytes);
    // What a run of it would find out the first time, so that nobody's first run does.
    const known = await rehearse(verify(identifier, bytes, { trust: "builtin" }));
    if (!known) throw new Error(`${identifier} cannot be linked ahead`);
    const link = recalledPath(known.key);
    place(link, Buffer.from(JSON.stringify(known)));
    kept.add(link);
  }
  place("commands.json", Buffer.from(JSON.stringify(catalog)));
  const sdl = sdlToCarry(named.sdl);
  carry(sdlName, sdl);
  console.log(`  ${sdl ? sdl.about : "no SDL is carried; windows need the system's"}`);
  const webgpu = webgpuToCarry(named.webgpu);
  carry(webgpuName, webgpu);
  console.log(
    `  ${webgpu ? webgpu.about : "nothing that draws into windows is carried; pictures are read back"}`,
  );
  place("commit.txt", Buffer.from(commit()));
  for (const path of filesBelow(stage))
    if (/^(commands|link)\//.test(path) && !kept.has(path)) rmSync(join(stage, path));
};

const carry = (name: string, library: { readonly bytes: Uint8Array } | undefined): void => {
  if (library) place(name, library.bytes);
  else rmSync(join(stage, name), { force: true });
};

/** The commit that the sources are at, "+" where they differ from it; what `loop --version --verbose` says. */
const commit = (): string => {
  const git = (...words: string[]) => Bun.spawnSync(["git", ...words], { cwd: root, stderr: "ignore" });
  const head = git("rev-parse", "--short=12", "HEAD");
  if (head.exitCode !== 0) return "unknown";
  return `${head.stdout}`.trim() + (git("diff", "--quiet", "HEAD").exitCode === 0 ? "" : "+");
};

const builderFor = async (language: string): Promise<Builder> => {
  const member = builderMembers.find((one) => one.language === language);
  if (!member) throw new Error(`A command is written in ${language}, and loop has no builder for it`);
  return member.load();
};

/** Writes a staged file where it is not there already as it should be. */
const place = (name: string, bytes: Uint8Array): void => {
  const path = join(stage, name);
  if (existsSync(path) && readFileSync(path).equals(bytes)) return;
  writeFileAtomic(path, bytes);
};
