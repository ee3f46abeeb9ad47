import { afterAll, describe, expect, test } from "bun:test";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Fault } from "../base/fault.ts";
import { readManifest } from "../base/manifest/manifest.ts";
import { worldFromWit } from "../contract/wit.ts";
import { createFromTemplate, templateList } from "./template.ts";
import { projectWit } from "./wit.ts";

const root = mkdtempSync(join(tmpdir(), "loop-template-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const codeOf = async (work: Promise<unknown>): Promise<string> => {
  try {
    await work;
    return "it was written";
  } catch (error) {
    return error instanceof Fault ? error.code : String(error);
  }
};

test("every template says what it is", async () => {
  const all = await templateList();
  expect(all.map(({ name }) => name)).toEqual([
    "component-c",
    "component-ts",
    "component-wat",
    "gpu",
    "window",
  ]);
  for (const { kind, language, summary } of all)
    expect([kind, typeof language, typeof summary]).toEqual(["component", "string", "string"]);
});

describe("a project from a template", () => {
  for (const [template, name] of [
    ["component-ts", "hello"],
    ["component-c", "hello-c"],
    ["component-wat", "hello-wat"],
    ["window", "spark"],
  ] as const)
    test(`${template} has a loop.toml and a world that read, and no placeholder left`, async () => {
      const folder = join(root, name);
      const paths = await createFromTemplate(template, name, folder);
      const written = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) =>
        entry.isFile(),
      );
      expect(paths).toHaveLength(written.length);
      for (const path of paths) expect(readFileSync(join(folder, path), "utf8")).not.toContain("{{");
      expect(paths).toContain(".gitignore");
      expect(paths).toContain("loop.schema.json");
      expect(paths).not.toContain("template.toml");
      const { component } = readManifest(join(folder, "loop.toml"));
      expect(component?.name).toBe(name);
      const wit = await projectWit(folder);
      if (component?.world)
        expect([...(await worldFromWit(wit, component.world)).exports.keys()]).toContain(
          template === "window" ? "loop:window/app@0.1.0" : "wasi:cli/run@0.2.12",
        );
    });

  test("may have a word of WIT for its name", async () => {
    const folder = join(root, "interface");
    await createFromTemplate("component-ts", "interface", folder);
    const world = await worldFromWit(await projectWit(folder), "interface");
    expect([...world.exports.keys()]).toContain("greet");
  });
});

describe("nothing is written", () => {
  test("for a name that is none in WIT", async () => {
    for (const name of [
      "",
      "Hello",
      "hello_world",
      "1st",
      "a--b",
      "-a",
      "a-",
      "../up",
      "a/b",
      "é",
      "a-2nd",
      "a".repeat(129),
    ])
      expect([name, await codeOf(createFromTemplate("component-ts", name, join(root, "bad")))]).toEqual([
        name,
        "LK0603",
      ]);
    expect(existsSync(join(root, "bad"))).toBe(false);
  });

  test("where something is already there", async () => {
    mkdirSync(join(root, "taken"));
    writeFileSync(join(root, "taken/mine.txt"), "mine");
    expect(await codeOf(createFromTemplate("component-ts", "taken", join(root, "taken")))).toBe("LK0604");
    expect(readdirSync(join(root, "taken"))).toEqual(["mine.txt"]);
  });

  test("for a template that does not exist", async () => {
    expect(await codeOf(createFromTemplate("component-zig", "hello", join(root, "none")))).toBe("LK0605");
  });

  test("where the folder cannot be made, and no half of it stays", async () => {
    writeFileSync(join(root, "file"), "");
    expect(await codeOf(createFromTemplate("component-wat", "hello", join(root, "file/hello")))).toBe(
      "LK0006",
    );
    expect(readdirSync(root).filter((name) => name.endsWith(".tmp"))).toEqual([]);
  });
});
