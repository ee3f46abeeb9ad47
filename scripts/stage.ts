import { existsSync, readFileSync, rmSync } from "node:fs";
import { basename, join } from "node:path";
import type { Catalog } from "../src/app/catalog.ts";
import { builderMembers, commandMembers, providerMembers } from "../src/app/members.ts";
import type { Services } from "../src/app/services.ts";
import { writeFileAtomic } from "../src/base/files.ts";
import type { Builder } from "../src/builders/builder.ts";
import { buildProject } from "../src/builders/project.ts";
import { readCommands } from "../src/contract/commands.ts";
import { linkPath, prelink } from "../src/host/jco.ts";
import { linkRequest } from "../src/host/plan.ts";
import { verify } from "../src/trust/verify.ts";
import { filesBelow, root, stage } from "./carried.ts";
import { adapterPaths } from "./executable.ts";

// Stage 1: what loop carries and is itself made of. The commands of loop are components that loop builds; here
// the sources of loop build them, before any executable exists, through the same `buildProject` that the
// executable offers to everyone. That is the whole bootstrap: no earlier loop is needed.

/** Fills build/stage; does again only what has changed. */
export const fillStage = async (force: boolean): Promise<void> => {
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
    kept.add(path).add(await placeLink(component, bytes));
    catalog[component] = readCommands(`builtin:${component}`, bytes);
  }
  place("commands.json", Buffer.from(JSON.stringify(catalog)));
  for (const path of filesBelow(stage))
    if (/^(commands|link)\//.test(path) && !kept.has(path)) rmSync(join(stage, path));
};

const builderFor = async (language: string): Promise<Builder> => {
  const member = builderMembers.find((one) => one.language === language);
  if (!member) throw new Error(`A command is written in ${language}, and loop has no builder for it`);
  return member.load();
};

/** Links a command as the executable will ask for it, so that not even its first use links anything. */
const placeLink = async (component: string, bytes: Uint8Array): Promise<string> => {
  const verified = verify(`builtin:${component}`, bytes, { trust: "builtin" });
  // Linking asks providers what they offer and nothing else, so no service has to stand behind them here.
  const providers = providerMembers.map((member) => member({} as Services));
  const request = linkRequest(verified, providers);
  const path = linkPath(request);
  if (!existsSync(join(stage, path))) place(path, await prelink(request));
  return path;
};

/** Writes a staged file where it is not there already as it should be. */
const place = (name: string, bytes: Uint8Array): void => {
  const path = join(stage, name);
  if (existsSync(path) && readFileSync(path).equals(bytes)) return;
  writeFileAtomic(path, bytes);
};
