// An application whose own slot gives objects, through the front door: what a filling made is asked, passed on and dropped
// while another takes its place, by `loop slot set` in another terminal and under `loop dev`.
import { beforeAll, expect, test } from "bun:test";
import { cpSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { homeFor, Said } from "./home.ts";
import { fixtures } from "./sidecars.ts";

const home = homeFor("objects");
const work = join(home.folder, "work");

const spawn = (folder: string, ...words: string[]) => home.spawn(join(work, folder), ...words);

const loop = async (folder: string, ...words: string[]) => {
  const { out, ...rest } = await home.loop(join(work, folder), ...words);
  return { out: out.trim(), ...rest };
};

/** A parser that counts words, or their letters: generations are told apart by their answers. */
const parserText = (count: string) => `class Finding {
  text(): string {
    const text = "a b";
    return String(${count.replaceAll("this.", "")});
  }
}

export const finders = {
  Finding,
  find: (times: number): Finding[] => Array.from({ length: times }, () => new Finding()),
  same: (one: Finding, other: Finding): boolean => one.text() === other.text(),
};

class Document {
  text: string;
  constructor(text: string) {
    this.text = text;
  }
  count(): number {
    if (this.text === "") throw "empty";
    return ${count};
  }
  find(word: string): { line: number } | undefined {
    const line = this.text.split("\\n").findIndex((one) => one.includes(word));
    return line < 0 ? undefined : { line };
  }
  parts(): Document[] {
    return this.text.split("\\n").map((line) => new Document(line));
  }
  static merge(all: Document[]): Document {
    return new Document(all.map(({ text }) => text).join("\\n"));
  }
}

export const types = { Document };

export const parser = {
  parse(text: string): Document {
    if (text === "") throw "empty";
    return new Document(text);
  },
  bind(title: string, text: string) {
    return { title, inner: text === "" ? undefined : new Document(text) };
  },
  unbind({ inner }: { title: string; inner?: Document }): number {
    if (!inner) throw "empty";
    return inner.count();
  },
  longest(all: Document[]): number {
    return Math.max(...all.map((one) => one.count()));
  },
};
`;
const counting = { words: "this.text.split(/\\s+/).length", letters: "this.text.length" } as const;

const member = (name: keyof typeof counting): Record<string, string> => ({
  [`${name}/loop.toml`]: `[component]\nname = "${name}"\nlanguage = "typescript"\nworld = "parsing"\n`,
  [`${name}/src/main.ts`]: parserText(counting[name]),
});

const baskets = readFileSync(join(fixtures, "baskets.wit"), "utf8");
const files: Readonly<Record<string, string>> = {
  ...member("words"),
  ...member("letters"),
  "loop.toml": `[component]
name = "app"
language = "typescript"
world = "app"

[slots.parser]
contract = "demo:docs/parser@0.1.0"
default = "./words/build/words.wasm"

[slots.finders]
contract = "demo:docs/finders@0.1.0"
combination = "all"
default = ["./words/build/words.wasm", "./letters/build/letters.wasm"]

[workspace]
members = ["words", "letters"]
`,
  "wit/world.wit": `package demo:docs@0.1.0;

interface places {
  record place { line: u32 }
}

interface types {
  use places.{place};
  enum trouble { closed, empty }
  resource document {
    constructor(text: string);
    count: func() -> result<u32, trouble>;
    find: func(word: string) -> option<place>;
    parts: func() -> list<document>;
    merge: static func(all: list<borrow<document>>) -> document;
  }
}

interface parser {
  use types.{document, trouble};
  record bound { title: string, inner: option<document> }
  record lent { title: string, inner: option<borrow<document>> }
  parse: func(text: string) -> result<document, trouble>;
  bind: func(title: string, text: string) -> bound;
  unbind: func(it: lent) -> result<u32, trouble>;
  longest: func(all: list<borrow<document>>) -> result<u32, trouble>;
}

interface finders {
  resource finding { text: func() -> string; }
  find: func(times: u32) -> list<finding>;
  same: func(one: borrow<finding>, other: borrow<finding>) -> bool;
}

world app {
  import finders;
  import wasi:cli/environment@0.2.12;
  import wasi:clocks/monotonic-clock@0.2.12;
  import parser;
  export wasi:cli/run@0.2.12;
}

world parsing {
  export finders;
  export types;
  export parser;
}
`,
  "src/main.ts": `import { getArguments } from "wasi:cli/environment@0.2.12";
import { subscribeDuration } from "wasi:clocks/monotonic-clock@0.2.12";
import { Document } from "demo:docs/types@0.1.0";
import { find, same } from "demo:docs/finders@0.1.0";
import { bind, longest, parse, unbind } from "demo:docs/parser@0.1.0";

const told = (work: () => unknown): unknown => {
  try {
    return work();
  } catch (error) {
    return (error as { payload?: unknown }).payload ?? String(error);
  }
};

const once = () => {
  const text = "one two\\nthree";
  const [parsed, made] = [parse(text), new Document("four")];
  console.log(parsed.count(), made.count(), parsed.find("three")?.line, parsed.find("five"));
  console.log(longest([made, parsed]), parsed.parts().map((part) => part.count()).join());
  console.log(Document.merge([parsed, made]).count(), unbind(bind("t", text)), told(() => unbind(bind("t", ""))));
  console.log(told(() => parse("")), told(() => new Document("").count()));
  const found = find(2);
  console.log(found.map((one) => one.text()).join(), same(found[0]!, found[1]!), same(found[2]!, found[3]!));
  same(found[0]!, found[2]!);
};

const on = () => {
  const first = parse("one two");
  const bound = bind("first", "one two");
  let gone = false;
  for (let turn = 0; turn < 3000; turn++) {
    const now = parse("one two");
    const held = told(() => first.count());
    console.log("held", held, "now", told(() => now.count()), "both", told(() => longest([now, first])));
    now[Symbol.dispose]();
    if (held === "closed" && !gone) {
      gone = true;
      console.log("bound", told(() => unbind(bound)));
      first[Symbol.dispose]();
      console.log("after", parse("one two").count());
      return;
    }
    subscribeDuration(10_000_000n).block();
  }
};

export const run = {
  run(): void {
    if (getArguments().includes("on")) on();
    else once();
  },
};
`,
  "basketry/loop.toml": `[component]
name = "basketry"
language = "typescript"
world = "basketry"

[slots.shop]
contract = "demo:side/baskets@0.1.0"
policy = "plugin"
timeout = "5s"
`,
  "basketry/wit/world.wit": `package demo:side@0.1.0;

${baskets}
world basketry {
  import wasi:cli/environment@0.2.12;
  import wasi:clocks/monotonic-clock@0.2.12;
  import baskets;
  export wasi:cli/run@0.2.12;
}
`,
  "basketry/src/main.ts": `import { getArguments } from "wasi:cli/environment@0.2.12";
import { subscribeDuration } from "wasi:clocks/monotonic-clock@0.2.12";
import { Basket, forge, kept } from "demo:side/baskets@0.1.0";

const told = (work: () => unknown): string => {
  try {
    return String(work());
  } catch (error) {
    return JSON.stringify((error as { payload: unknown }).payload);
  }
};

const on = () => {
  const first = new Basket("tea");
  for (let turn = 0; turn < 3000; turn++) {
    const held = told(() => first.add("tea", 1));
    console.log("held", held, "kept", kept()[1]);
    if (held.includes("gone")) return;
    subscribeDuration(10_000_000n).block();
  }
};

export const run = {
  run(): void {
    if (getArguments().includes("on")) return on();
    const one = new Basket("tea");
    console.log(one.add("tea", 2), Basket.merge(one, new Basket("cup")), one.look().join());
    console.log(told(() => one.add("tea", 101)));
    for (const part of one.split()) part[Symbol.dispose]();
    console.log(kept()[1]);
    one[Symbol.dispose]();
    console.log(kept()[1]);
    forge("nameless");
  },
};
`,
};

beforeAll(async () => {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(join(work, path, ".."), { recursive: true });
    writeFileSync(join(work, path), text);
  }
  for (const name of ["words", "letters"])
    cpSync(join(work, "wit"), join(work, name, "wit"), { recursive: true });
  cpSync(fixtures, join(work, "sidecar"), { recursive: true });
  for (const folder of [".", "words", "letters", "basketry"])
    expect((await loop(folder, "build")).said).toBe("");
}, 120_000);

for (const linker of ["loop", "jco"])
  test(`objects cross a slot in every place of a type, linked by ${linker}`, async () => {
    const { out, said } = await loop(".", `--linker=${linker}`, "run");
    expect(out.split("\n")).toEqual([
      "3 1 1 undefined",
      "3 2,1",
      "4 3 empty",
      "empty empty",
      // Two fillings answer together, and each for its own objects.
      "2,2,3,3 true true",
    ]);
    // What two of them made means nothing to either.
    expect(said).toContain("LK0426");
    expect(said).toContain("called same with what another made in finders than who answers");
  }, 60_000);

for (const linker of ["loop", "jco"])
  test(`an object ends with its maker when another terminal swaps that, linked by ${linker}`, async () => {
    await loop(".", "slot", "reset", "parser");
    const app = spawn(".", `--linker=${linker}`, "run", "--", "on");
    try {
      const [out, said] = [new Said(app.stdout), new Said(app.stderr)];
      await out.until(/^held 2 now 2 both 2$/m);
      expect((await loop(".", "slot", "set", "parser", "letters/build/letters.wasm")).code).toBe(0);
      expect([await app.exited, out.text.match(/trapped/)]).toEqual([0, null]);
      await out.until(/\nbound closed\nafter 7\n$/);
      expect(said.text).toMatch(/parser.*letters\.wasm/);
      const turns = out.text.split("\n").filter((line) => line.startsWith("held"));
      // A swap may fall between two calls of a turn, and never makes an answer of two.
      for (const line of turns)
        expect(line).toMatch(/^held 2 now 2 both (2|closed)$|^held (2|closed) now (7|closed) both closed$/);
    } finally {
      app.kill();
      await app.exited;
    }
  }, 60_000);

test("under loop dev an object ends with its maker when that is saved anew", async () => {
  const source = join(work, "words/src/main.ts");
  await loop(".", "slot", "reset", "parser");
  const app = spawn(".", "dev", "--json", "--", "on");
  try {
    const out = new Said(app.stdout);
    await out.until(/"text":"held 2 now 2 both 2"/);
    writeFileSync(source, parserText(counting.letters));
    await out.until(/"text":"bound closed"[\s\S]*"text":"after 7"/);
    expect(out.text).toMatch(/"event":"swapped".*"generation":2/);
  } finally {
    app.kill("SIGINT");
    expect(await app.exited).toBe(0);
    writeFileSync(source, parserText(counting.words));
  }
}, 60_000);

test("a program in an application's own slot gives objects, which end with it", async () => {
  const programs = ["baskets.py", "kiosk"].map((name) => join(work, "sidecar", name));
  const fill = async (program: string) =>
    expect(
      (await loop("basketry", "slot", "set", "shop", `sidecar:${program}`, `--allow-run=${program}`)).said,
    ).toBe("");
  for (const program of programs) {
    expect((await loop(".", "trust", "add", `sidecar:${program}`)).said).toBe("");
    await fill(program);
    const run = await loop("basketry", "run");
    expect(run.out).toBe(`3 4 tea,tea,tea,cup\n{"tag":"full","val":"there is no room for 101"}\n1\n0`);
    // What is forged ends the program, and the component with it, since its function has no err.
    expect([run.code, run.said]).toEqual([1, expect.stringContaining("LK0431")]);
  }
  await fill(programs[0]!);
  const app = spawn("basketry", "run", "--", "on");
  try {
    const out = new Said(app.stdout);
    await out.until(/^held 3 kept 1$/m);
    await fill(programs[1]!);
    // The one that came has none of the old one's.
    await out.until(/\nheld {"tag":"gone"} kept 0\n$/);
    expect(await app.exited).toBe(0);
  } finally {
    app.kill();
    await app.exited;
  }
}, 60_000);

test("under loop dev a program that is edited needs a person's word again, and then takes over", async () => {
  const program = join(work, "sidecar/baskets.py");
  const allow = `--allow-run=${program}`;
  const text = readFileSync(program, "utf8");
  expect((await loop(".", "trust", "add", `sidecar:${program}`)).said).toBe("");
  expect((await loop("basketry", "slot", "set", "shop", `sidecar:${program}`, allow)).said).toBe("");
  const app = spawn("basketry", "dev", "--json", "--", "on");
  try {
    const out = new Said(app.stdout);
    await out.until(/"text":"held 3 kept 1"/);
    writeFileSync(program, `${text}\n# edited\n`);
    await out.until(/"event":"not-swapped","place":"shop".*LK0408/);
    const from = out.text.length;
    await out.until(/"text":"held \d+ kept 1"/, from);
    expect((await loop(".", "trust", "add", `sidecar:${program}`, allow)).said).toBe("");
    expect((await loop(".", "trust", "add", `sidecar:${program}`)).said).toBe("");
    await out.until(/"event":"swapped","place":"shop"[\s\S]*held \{\\"tag\\":\\"gone\\"\} kept 0/, from);
    expect(out.text.match(/not-swapped/g)).toHaveLength(1);
  } finally {
    app.kill("SIGINT");
    expect(await app.exited).toBe(0);
    writeFileSync(program, text);
  }
}, 60_000);
