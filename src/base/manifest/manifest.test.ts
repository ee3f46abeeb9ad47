import { afterAll, expect, test } from "bun:test";
import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { Fault } from "../fault.ts";
import { faultNow } from "../fixture.ts";
import { limits } from "../limits.ts";
import { check, type Schema } from "./check.ts";
import {
  findManifest,
  isMember,
  type Manifest,
  manifestSchema,
  parseManifest,
  readManifest,
  readManifests,
} from "./manifest.ts";

const folder = mkdtempSync(join(tmpdir(), "manifest-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const read = (text: string | Uint8Array): Manifest => {
  const path = join(folder, "loop.toml");
  writeFileSync(path, text);
  return readManifest(path);
};

const bad = (text: string | Uint8Array) => {
  const { code, message, hint } = faultNow(() => read(text));
  return `${code} ${message.replace(`${folder}/`, "")}${hint ? ` (${hint})` : ""}`;
};

const whole = `
[component]
name = "hello-world"
version = "0.1.0-rc.1+build.5"
language = "typescript"
world = "hello"
description = "Says hello"

[build]
main = "src/main.ts"
engine = "starlingmonkey"
tsconfig = "tsconfig.json"
minify = true
clang = "clang-14"
flags = ["-O2"]
[build.settings]
anything = { goes = [1, "two", 3.5] }

[workspace]
members = ["components/*"]

[[commands]]
name = "cloud deploy"
summary = "Ships it"
options = [{ name = "to", summary = "Where", kind = "choice", choices = ["here", "there"] }, { name = "dry", short = "n", summary = "Only say" }]
positionals = [{ name = "what", summary = "What", required = true }]
capabilities = ["loop:run"]

[slots.style]
contract = "greeter:app/style@0.1.0"
default = "./plain.wasm"
combination = "first"
[slots.style.config]
volume = 3

[slots."command:new"]
use = ["./new.wasm", "builtin:new"]
grants = ["loop:build"]
`;

test("every key that the schema names is read, and defaults are filled in", () => {
  const manifest = read(whole);
  expect(manifest.component?.name).toBe("hello-world");
  expect(manifest.build.settings).toEqual({ anything: { goes: [1, "two", 3.5] } });
  expect(manifest.workspace?.members).toEqual(["components/*"]);
  expect(manifest.commands[0]).toEqual({
    name: "cloud deploy",
    summary: "Ships it",
    options: [
      { name: "to", summary: "Where", kind: "choice", choices: ["here", "there"] },
      { name: "dry", short: "n", summary: "Only say", kind: "switch" },
    ],
    positionals: [{ name: "what", summary: "What", required: true, kind: "text" }],
    examples: [],
    capabilities: ["loop:run"],
  });
  expect(manifest.slots.get("style")).toEqual({
    contract: "greeter:app/style@0.1.0",
    default: ["./plain.wasm"],
    combination: "first",
    config: { volume: 3 },
  });
  expect(manifest.slots.get("command:new")?.use).toEqual(["./new.wasm", "builtin:new"]);
  expect(manifest.at("build", "minify")).toBe(`${folder}/loop.toml:13`);
  expect(manifest.folder).toBe(folder);
});

test("an empty file is a manifest that says nothing", () => {
  const manifest = read("");
  expect(manifest.component).toBeUndefined();
  expect(manifest.commands).toEqual([]);
  expect(manifest.slots.size).toBe(0);
});

test("a byte order mark changes nothing", () => {
  expect(read('\ufeff[component]\nname = "a"').component?.name).toBe("a");
});

test("an unknown key names itself, its file and line and the nearest known key", () => {
  expect(bad('[component]\nname = "a"\n\nvesrion = "1.0.0"')).toBe(
    'LK0502 loop.toml:4: Unknown key "vesrion" at [component]; known: name, version, language, world, description, migrate (did you mean "version"?)',
  );
  expect(bad("[biuld]")).toStartWith(
    'LK0502 loop.toml:1: Unknown key "biuld" at the top level; known: component,',
  );
  expect(bad('[[commands]]\nname="a"\nsummary="b"\n[[commands.options]]\nnmae = "x"')).toStartWith(
    'LK0502 loop.toml:5: Unknown key "nmae" at [commands[0].options[0]]',
  );
  expect(bad('[slots."command:new"]\nuse = "a"\nusee = "b"')).not.toContain("did you mean");
});

test("a value of the wrong type says what is there and what was looked for", () => {
  expect(bad('[build]\nminify = "yes"')).toBe(
    'LK0503 loop.toml:2: build.minify is "yes", and true or false was looked for',
  );
  expect(bad('[build]\nengine = "v8"')).toBe(
    'LK0503 loop.toml:2: build.engine is "v8", and one of "quickjs", "starlingmonkey" was looked for',
  );
  expect(bad("build = 3")).toBe("LK0503 loop.toml:1: build is 3, and a table was looked for");
  expect(bad('[build]\nflags = [\n"-g",\n7]')).toBe(
    "LK0503 loop.toml:4: build.flags[1] is 7, and a string was looked for",
  );
  expect(bad("[component]\nname = 2024-01-01")).toStartWith(
    "LK0503 loop.toml:2: component.name is a date, and",
  );
  expect(bad('[component]\nname = "Hello"')).toStartWith(
    'LK0503 loop.toml:2: component.name is "Hello", and a name of',
  );
  expect(bad('[slots."Bad Name"]\nuse = "a"')).toStartWith(
    'LK0503 loop.toml:1: slots."Bad Name" is named "Bad Name", and a slot\'s name',
  );
  expect(bad("[build.settings]\nx = nan")).toBe(
    "LK0503 loop.toml:2: build.settings.x is NaN, and a finite number was looked for",
  );
});

test("a missing key is named with its table", () => {
  expect(bad("# x\n[component]\n")).toBe('LK0505 loop.toml:2: [component] has no "name"');
  expect(bad('[slots.style]\npolicy = "core"')).toBe(
    'LK0505 loop.toml:1: [slots.style] has no "contract", which "policy" needs',
  );
  expect(bad('[slots.style]\ngrants = ["loop:run"]')).toStartWith("LK0505 loop.toml:2: [slots.style] grants");
});

test("a family of slots is declared and never filled", () => {
  expect(bad('[slots."a:*"]\nuse = "b"')).toStartWith('LK0505 loop.toml:1: [slots."a:*"] is a family');
  expect(read('[slots."a:*"]\ncontract = "b:c/d"\npolicy = "plugin"').slots.has("a:*")).toBe(true);
});

test("the first problem of a file is the fault, and the others are its causes", () => {
  const fault = faultNow(() => read('x = 1\n[build]\nminify = 3\n[component]\nname = "A"'));
  expect(fault.code).toBe("LK0502");
  expect(fault.causes.map((cause) => cause.message.split(": ")[0])).toEqual([
    `${folder}/loop.toml:3`,
    `${folder}/loop.toml:5`,
  ]);
});

test("what is not TOML is shown with line, column and excerpt", () => {
  expect(bad("[component\nname = 1")).toStartWith("LK0501 loop.toml:1:11: Not TOML:");
  expect(bad('[component]\nname = "a"\nname = "b"')).toStartWith("LK0501 loop.toml:3:1: Not TOML: ");
  expect(bad('[component]\nname = "a"\nname = "b"')).toContain('3:  name = "b"');
  expect(bad("__proto__ = 1")).toStartWith("LK0501");
  expect(bad(new Uint8Array([97, 10, 98, 0xff, 10]))).toStartWith("LK0501 loop.toml:2: UTF-8");
});

test("any bytes give a manifest or a fault that names the file", () => {
  const bytes = new TextEncoder().encode(whole);
  const junk = new TextEncoder().encode("[]{}\"'=.,#\n\\\u00e9 _0");
  let seed = 3;
  const random = (below: number) => {
    seed = (seed * 48271) % 2147483647;
    return seed % below;
  };
  let faults = 0;
  for (let round = 0; round < 1500; round++) {
    const mutant = bytes.slice(0, random(4) === 0 ? random(bytes.length) : undefined);
    for (let at = 1 + random(3); at > 0; at--) mutant[random(mutant.length)] = junk[random(junk.length)]!;
    try {
      parseManifest(mutant, "/x/loop.toml");
    } catch (error) {
      expect(error).toBeInstanceOf(Fault);
      expect((error as Fault).message).toMatch(/^\/x\/loop\.toml:\d+/);
      faults++;
    }
  }
  expect(faults).toBeGreaterThan(100);
});

test("nesting and size are bounded, however they are written", () => {
  expect(bad(`[build.settings]\nx = ${"[".repeat(5000)}${"]".repeat(5000)}`)).toStartWith("LK0501");
  expect(bad(`[build.settings.${"a.".repeat(5000)}a]\nx = 1`)).toStartWith("LK0503 loop.toml:1: ");
  expect(bad("#".repeat(limits.manifestBytesMax + 1))).toStartWith("LK0204");
});

test("a command that cannot be parsed from a command line is refused", () => {
  const command = (more: string) => bad(`[[commands]]\nname = "a"\nsummary = "b"\n${more}`);
  expect(command('options = [{ name = "x", summary = "y", kind = "choice" }]')).toStartWith(
    "LK0505 loop.toml:4: ",
  );
  expect(command('options = [{ name = "x", summary = "y", choices = ["z"] }]')).toStartWith(
    "LK0503 loop.toml:4: ",
  );
  expect(command('options = [{ name = "x", summary = "y" }, { name = "x", summary = "y" }]')).toContain(
    "twice",
  );
  expect(
    command(
      'options = [{ name = "x", short = "v", summary = "y" }, { name = "z", short = "v", summary = "y" }]',
    ),
  ).toContain('"-v" is there twice');
  expect(
    command('positionals = [{ name = "x", summary = "y", repeated = true }, { name = "z", summary = "y" }]'),
  ).toContain("only the last may be");
  expect(
    command('positionals = [{ name = "x", summary = "y" }, { name = "z", summary = "y", required = true }]'),
  ).toContain("is optional");
  expect(command('[[commands]]\nname = "a"\nsummary = "c"')).toContain("twice");
});

test("a missing or unreadable file is a fault", () => {
  expect(faultNow(() => readManifest(join(folder, "none", "loop.toml"))).code).toBe("LK0504");
  mkdirSync(join(folder, "locked"));
  expect(faultNow(() => readManifest(join(folder, "locked"))).code).toBe("LK0007");
  if (process.getuid?.() === 0) return;
  writeFileSync(join(folder, "secret.toml"), "");
  chmodSync(join(folder, "secret.toml"), 0);
  expect(faultNow(() => readManifest(join(folder, "secret.toml"))).code).toBe("LK0007");
});

test("a folder is spoken for by its own manifest and by the workspaces that name it", () => {
  const root = join(folder, "work");
  const member = join(root, "parts", "one");
  const stranger = join(root, "other");
  for (const at of [join(member, "src", "deep"), stranger]) mkdirSync(at, { recursive: true });
  writeFileSync(join(root, "loop.toml"), '[workspace]\nmembers = ["parts/*"]');
  writeFileSync(join(member, "loop.toml"), '[component]\nname = "one"');
  writeFileSync(join(stranger, "loop.toml"), '[component]\nname = "other"');
  writeFileSync(join(folder, "loop.toml"), "[workspace]\nmembers = 3\n[unrelated]");
  expect(findManifest(join(member, "src", "deep"))).toBe(join(member, "loop.toml"));
  expect(findManifest("/")).toBeUndefined();
  const paths = (from: string) => readManifests(from).map((manifest) => dirname(manifest.path));
  expect(paths(join(member, "src", "deep"))).toEqual([member, root]);
  expect(paths(stranger)).toEqual([stranger]);
  expect(paths(root)[0]).toBe(root);
  const workspace = readManifest(join(root, "loop.toml"));
  expect([member, stranger, join(member, "src")].map((at) => isMember(at, workspace))).toEqual([
    true,
    false,
    false,
  ]);
});

test("a workspace that names a folder is checked, and one that is not TOML is a fault wherever it lies above", () => {
  const root = join(folder, "broken");
  mkdirSync(join(root, "one"), { recursive: true });
  writeFileSync(join(root, "one", "loop.toml"), "");
  writeFileSync(join(root, "loop.toml"), '[workspace]\nmembers = ["one"]\nmember = 1');
  expect(faultNow(() => readManifests(join(root, "one"))).code).toBe("LK0502");
  writeFileSync(join(root, "loop.toml"), "[workspace");
  expect(faultNow(() => readManifests(join(root, "one"))).code).toBe("LK0501");
});

test.if(process.getuid?.() === 0)(
  "a stranger's manifest above says nothing, and in the folder itself it does",
  () => {
    const shared = join(folder, "shared");
    const mine = join(shared, "mine");
    mkdirSync(mine, { recursive: true });
    writeFileSync(join(shared, "loop.toml"), '[workspace]\nmembers = ["*"]');
    chownSync(join(shared, "loop.toml"), 12345, 12345);
    expect(findManifest(mine)).not.toBe(join(shared, "loop.toml"));
    expect(findManifest(shared)).toBe(join(shared, "loop.toml"));
    writeFileSync(join(mine, "loop.toml"), "");
    expect(readManifests(mine).map((manifest) => manifest.folder)).toEqual([mine]);
    chownSync(mine, 12345, 12345);
    expect(readManifests(mine).map((manifest) => manifest.folder)).toEqual([mine, shared]);
  },
);

test("parsing needs no file", () => {
  const manifest = parseManifest(new TextEncoder().encode('[component]\nname = "x"'), "/nowhere/loop.toml");
  expect(manifest.at("component", "name")).toBe("/nowhere/loop.toml:2");
});

/** Every schema below one, by path. */
const below = (schema: Schema, path: string): [string, Schema][] => [
  [path, schema],
  ...Object.entries(schema.properties ?? {}).flatMap(([key, inner]) => below(inner, `${path}.${key}`)),
  ...Object.entries(schema.definitions ?? {}).flatMap(([key, inner]) => below(inner, `${path}#${key}`)),
  ...(schema.items ? below(schema.items, `${path}[]`) : []),
  ...(typeof schema.additionalProperties === "object" ? below(schema.additionalProperties, `${path}.*`) : []),
];

test("every key of the schema is described, and every pattern says in words what it wants", () => {
  const schema: Schema = JSON.parse(manifestSchema());
  for (const [path, inner] of below(schema, "")) {
    for (const [key, property] of Object.entries(inner.properties ?? {}))
      expect([`${path}.${key}`, property.description]).toEqual([
        `${path}.${key}`,
        expect.stringMatching(/^[A-Z].*\.$/s),
      ]);
    if (inner.pattern) expect([path, typeof inner["x-expected"]]).toEqual([path, "string"]);
  }
});

test("a keyword that is not checked is a bug of the schema", () => {
  expect(() => check({}, { oneOf: [] } as Schema)).toThrow("oneOf");
  expect(() => check({}, { $ref: "#/definitions/none" })).toThrow("none");
});
