import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { DeclaredError, fault } from "../../base/fault.ts";
import { limits } from "../../base/limits.ts";
import type { Builder, BuildRequest, BuildResult } from "../../builders/builder.ts";
import { arrived } from "../../host/crossing.ts";
import type { LinkedPlan } from "../../host/plan.ts";
import type { Stdio } from "../../host/provider.ts";
import type { Grants } from "../../trust/grants.ts";

const contract = "loop:build/builder@0.1.0";
/** What is made and not written; a builder is not shown it. */
const made = new Set(["build", "node_modules", ".git"]);

/**
 * A component that fills a `builder:<language>` slot, as a Builder. It is handed the project's files and WIT and
 * sees nothing else of the disk; what it may use beyond that was granted with its slot.
 */
export const componentBuilder = (
  language: string,
  plan: LinkedPlan,
  grants: Grants,
  stdio: Stdio,
): Builder => ({
  language,
  version: plan.component.digest,
  async build(request) {
    const { identifier, digest } = plan.component;
    const files = projectFiles(request.folder);
    const instance = await plan.instantiate({
      component: { identifier, digest },
      args: [],
      grants,
      stdio,
      onDrop: () => {},
    });
    try {
      const component = (await instance.call(contract, "build", [wireRequest(request, files)])) as Uint8Array;
      const inputs = files.map(({ path }) => join(request.folder, path));
      return { component, inputs, warnings: [], generated: new Map() } satisfies BuildResult;
    } catch (error) {
      if (!(error instanceof DeclaredError)) throw error;
      throw arrived(error).within({
        slot: `builder:${language}`,
        component: identifier,
        phase: "build",
        message: `Building ${request.name}`,
      });
    } finally {
      instance.drop();
    }
  },
});

interface ProjectFile {
  readonly path: string;
  readonly bytes: Uint8Array;
}

const wireRequest = ({ name, main, world, wit, settings }: BuildRequest, files: readonly ProjectFile[]) => ({
  name,
  main,
  world,
  files: [
    ...files,
    ...[...wit]
      .filter(([path]) => !files.some((file) => file.path === path))
      .map(([path, text]) => ({ path, bytes: new TextEncoder().encode(text) })),
  ],
  settings: Object.entries(settings).map(([key, value]) => [key, JSON.stringify(value)]),
});

/** Every file of a project but what is made. Faults: LK0007, LK0204. */
const projectFiles = (folder: string): ProjectFile[] => {
  let bytes = 0;
  const files: ProjectFile[] = [];
  for (const path of pathsBelow(folder, folder)) {
    const file = { path: relative(folder, path).replaceAll("\\", "/"), bytes: readFileSync(path) };
    bytes += file.bytes.length;
    if (bytes > limits.projectBytesMax || files.length >= limits.projectFilesMax)
      throw fault(
        "LK0204",
        `${folder} holds more than ${limits.projectFilesMax} files or ${limits.projectBytesMax} bytes, which is the limit for a builder that is a component`,
      );
    files.push(file);
  }
  return files;
};

const pathsBelow = (root: string, folder: string): string[] =>
  readdirSync(folder, { withFileTypes: true })
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) return folder === root && made.has(entry.name) ? [] : pathsBelow(root, path);
      return entry.isFile() ? [path] : [];
    });
