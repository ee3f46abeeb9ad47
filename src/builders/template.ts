// What `loop new` writes. A template is a folder of plain files below templates/, with a template.toml that
// describes it and is not written; the file `gitignore` is written as `.gitignore`. In the text of every file two
// placeholders are replaced, and there are no others:
//   {{name}}   the name that the person gave: lower-case words joined by hyphens
//   {{%name}}  the same where WIT wants an identifier: with % before it where it is a word of WIT's own
import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, renameSync, rmSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { parse } from "smol-toml";
import { errno, Fault, fault } from "../base/fault.ts";
import { cannotWrite, writeFileAtomic } from "../base/files.ts";
import { limits } from "../base/limits.ts";
import { manifestSchema } from "../base/manifest/manifest.ts";
import { resourceList, resourceText } from "../base/resources.ts";
import { nearest } from "../base/suggest.ts";
import { id } from "../contract/wit/names.ts";
import { completed } from "./wit.ts";

/** The WIT record `loop:build/templates.template`. */
export interface Template {
  readonly name: string;
  /** What it makes: "component". */
  readonly kind: string;
  readonly language: string;
  /** Completes "Wrote hello/, …". */
  readonly summary: string;
}

const root = "templates/";
const description = "template.toml";

/** Every template that the executable carries, by name. */
export const templateList = async (): Promise<Template[]> => {
  const paths = resourceList(root).filter((path) => path.endsWith(`/${description}`));
  return Promise.all(
    paths.map(async (path) => {
      const { name, kind, language, summary } = parse(await resourceText(path));
      return { name, kind, language, summary } as unknown as Template;
    }),
  );
};

/**
 * Writes a template into a folder that is not there yet: all of it or, where anything fails, nothing. Answers the
 * paths written, relative to that folder. Faults: LK0603 no valid name, LK0604 the folder exists, LK0605 no such
 * template, LK0006.
 */
export const createFromTemplate = async (
  template: string,
  name: string,
  folder: string,
): Promise<readonly string[]> => {
  checkName(name);
  const chosen = await find(template);
  if (existsSync(folder)) throw exists(folder);
  const files = await filesOf(chosen, name);
  writeFolder(folder, files);
  return [...files.keys()].sort();
};

const find = async (template: string): Promise<Template> => {
  const all = await templateList();
  const found = all.find(({ name }) => name === template);
  if (found) return found;
  const names = all.map(({ name }) => name);
  const near = nearest(template, names);
  throw fault("LK0605", `There is no template "${template}"; there are: ${names.join(", ")}`, {
    hint: near && `did you mean "${near}"?`,
  });
};

const namePattern = /^[a-z][a-z0-9]*(-[a-z][a-z0-9]*)*$/;

/** A component's name is its folder's, its world's and its package's: it has to be a name in WIT. LK0603. */
export const checkName = (name: string): void => {
  if (name.length > limits.nameLengthMax)
    throw fault(
      "LK0603",
      `The name is ${name.length} characters long; the limit is ${limits.nameLengthMax}`,
      {
        hint: "choose a shorter name",
      },
    );
  if (namePattern.test(name)) return;
  const better = name
    .replace(/([a-z0-9])([A-Z])/g, "$1-$2")
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/(^|-)[0-9]+/g, "$1")
    .replace(/^-+|-+$|-(?=-)/g, "");
  throw fault("LK0603", `"${name}" is no valid name; lower-case words joined by hyphens were looked for`, {
    hint: namePattern.test(better) ? `loop new component ${better}` : "loop new component hello",
  });
};

const exists = (folder: string): Fault =>
  fault("LK0604", `${folder} exists already; a new folder was to be made there`, {
    hint: `choose another name, or remove it first: rm -r ${basename(folder)}`,
  });

const filesOf = async (
  { name: template, language }: Template,
  name: string,
): Promise<Map<string, string>> => {
  const prefix = `${root}${template}/`;
  const files = new Map<string, string>();
  for (const path of resourceList(prefix)) {
    const relative = path.slice(prefix.length);
    if (relative === description) continue;
    const text = await resourceText(path);
    const written = text.replaceAll("{{name}}", name).replaceAll("{{%name}}", id(name));
    files.set(relative.replace(/(^|\/)gitignore$/, "$1.gitignore"), written);
  }
  files.set("loop.schema.json", manifestSchema());
  if (language === "typescript") await addTypings(files, name);
  return files;
};

/** So that an editor knows the world before anything is built. */
const addTypings = async (files: Map<string, string>, world: string): Promise<void> => {
  const { typingsOf } = await import("./typescript/typings.ts");
  const wit = await completed(new Map([...files].filter(([path]) => path.endsWith(".wit"))));
  for (const [path, text] of await typingsOf(wit, world, "src/main.ts")) files.set(path, text);
};

/** A folder beside it with a name of its own, then a rename: an interrupted command leaves no half of a project. */
const writeFolder = (folder: string, files: ReadonlyMap<string, string>): void => {
  const temporary = join(
    dirname(folder),
    `.${basename(folder)}.${process.pid}.${randomBytes(4).toString("hex")}.tmp`,
  );
  try {
    mkdirSync(temporary, { recursive: true });
  } catch (error) {
    throw cannotWrite(folder, error);
  }
  try {
    for (const [path, text] of files) writeFileAtomic(join(temporary, path), text);
    renameSync(temporary, folder);
  } catch (error) {
    rmSync(temporary, { recursive: true, force: true });
    if (errno(error) === "ENOTEMPTY" || errno(error) === "EEXIST" || errno(error) === "ENOTDIR")
      throw exists(folder);
    // The name beside it is nobody's business.
    throw cannotWrite(folder, error instanceof Fault ? error.cause : error);
  }
};
