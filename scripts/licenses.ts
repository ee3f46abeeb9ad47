import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

// What `loop --licenses` prints: the licence of loop-kit and of everything in the executable. npm packages are
// found from what the bundler really took; the rest (Bun, its JavaScriptCore, QuickJS) is listed here.

const root = join(import.meta.dir, "..");

interface Part {
  readonly name: string;
  readonly version: string;
  readonly license: string;
  readonly text: string;
}

/** What no bundled package.json speaks for: where it is in the executable, and where its text lies. */
const otherParts = (): Part[] => [
  {
    name: "Bun",
    version: packageOf(join(root, "node_modules/bun")).version,
    license: "MIT and others",
    text: read("node_modules/bun-types/docs/project/license.mdx").replace(/^---\n[\s\S]*?\n---\n/, ""),
  },
  {
    name: "JavaScriptCore and WebCore (in Bun)",
    version: "as Bun links it",
    license: "LGPL-2.0",
    text: read("licenses/lgpl-2.txt"),
  },
  {
    name: "QuickJS-NG (in every TypeScript component, from componentize-qjs)",
    version: "as componentize-qjs builds it",
    license: "MIT",
    text: read("licenses/quickjs-ng.txt"),
  },
  ...(existsSync(join(root, "build/stage/native/sdl2"))
    ? [{ name: "SDL", version: "2", license: "Zlib", text: read("licenses/sdl2.txt") }]
    : []),
  ...(existsSync(join(root, "build/stage/native/webgpu"))
    ? [
        {
          name: "bun-webgpu (its library, with Dawn in it)",
          version: packageOf(join(root, "node_modules/bun-webgpu")).version,
          license: "Apache-2.0; Dawn: BSD-3-Clause",
          text: `${read("node_modules/bun-webgpu/LICENSE")}\n${read("node_modules/webgpu/LICENSE.md")}`,
        },
      ]
    : []),
  {
    name: "WASI interface definitions",
    version: "0.2",
    license: "Apache-2.0 WITH LLVM-exception",
    text: read("wit/LICENSE-wasi"),
  },
  {
    name: "WASI graphics interface definitions",
    version: "0.0.1 and 0.2.0",
    license: "W3C Community Contributor License Agreement; Apache-2.0",
    text: read("wit/LICENSE-wasi-gfx"),
  },
];

const read = (path: string): string => readFileSync(join(root, path), "utf8");

interface PackageJson {
  readonly name: string;
  readonly version: string;
  readonly license?: string;
  readonly repository?: string | { readonly url?: string };
}

const packageOf = (folder: string): PackageJson =>
  JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));

/** The package folder that a file lies in: everything up to the name after the last `node_modules`. */
const packageFolder = (path: string): string | undefined =>
  /^.*node_modules\/(?:@[^/]+\/)?[^/@.][^/]*(?=\/)/.exec(path)?.[0];

/**
 * All licences as one text. `files` are absolute paths of what went into the executable. A package with no
 * licence text stops the build: shipping it without would break its terms.
 */
export const licenseText = (files: readonly string[]): string => {
  const folders = [...new Set(files.map(packageFolder).filter((folder) => folder !== undefined))].sort();
  const byRepository = new Map<string, string>();
  for (const folder of folders) {
    const text = ownText(folder);
    if (text) byRepository.set(repositoryOf(packageOf(folder)), text);
  }
  const parts = folders.map((folder): Part => {
    const { name, version, license, ...more } = packageOf(folder);
    const text = ownText(folder) ?? byRepository.get(repositoryOf({ name, version, ...more }));
    if (!text) throw new Error(`${name} has no licence text: no file, no section of its README`);
    return { name, version, license: license?.replace(/^\((.*)\)$/, "$1") ?? "see its text", text };
  });
  return [head(), ...[...otherParts(), ...distinct(parts)].map(section)].join("\n\n");
};

/** Two copies of one package in the tree are one entry. */
const distinct = (parts: readonly Part[]): Part[] => [
  ...new Map(parts.map((part) => [`${part.name} ${part.version}`, part])).values(),
];

const head = (): string =>
  `loop-kit is licensed under Apache-2.0. Its executable carries the parts below, each under its own licence.\n\n${rule("loop-kit")}\n\n${read("LICENSE").trim()}`;

const section = ({ name, version, license, text }: Part): string =>
  `${rule(`${name} ${version} (${license})`)}\n\n${text.trim()}`;

const rule = (title: string): string => `==== ${title} ====`;

const repositoryOf = ({ repository, name }: PackageJson): string =>
  (typeof repository === "string" ? repository : repository?.url) ?? name;

const ownText = (folder: string): string | undefined => {
  const file = readdirSync(folder).find((name) => /^(licen[cs]e|copying)(\.(md|txt))?$/i.test(name));
  if (file) return readFileSync(join(folder, file), "utf8");
  const readme = join(folder, "README.md");
  if (!existsSync(readme)) return undefined;
  const written = /^#+ Licen[cs]e.*$([\s\S]*)/im.exec(readFileSync(readme, "utf8"))?.[1]?.trim();
  // A section that only names the licence is not its text.
  return written && written.length > 500 ? written.replace(/^> ?/gm, "") : undefined;
};
