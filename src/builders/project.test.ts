import { afterAll, beforeEach, describe, expect, test } from "bun:test";
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Digest, digestOf } from "../base/digest.ts";
import { Fault } from "../base/fault.ts";
import { customSections } from "../contract/binary/sections.ts";
import { readWishes } from "../contract/capability.ts";
import { commandsSection } from "../contract/description.ts";
import type { Builder } from "./builder.ts";
import { type BuildOptions, buildProject } from "./project.ts";

const root = mkdtempSync(join(tmpdir(), "loop-project-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const preamble = [0x00, 0x61, 0x73, 0x6d, 0x0d, 0x00, 0x01, 0x00];

/** A builder whose component carries its source, so that tests see which source was built. */
const counting = () => {
  const state = { builds: 0, version: "1", during: async () => {} };
  const builder: Builder = {
    language: "text",
    get version() {
      return state.version;
    },
    async build({ folder, main }) {
      state.builds++;
      const source = readFileSync(join(folder, main));
      await state.during();
      const section = Uint8Array.from([0, source.length + 2, 1, 0x73, ...source]);
      return {
        component: Uint8Array.from([...preamble, ...section]),
        inputs: [join(folder, main), join(folder, "absent.json")],
        warnings: ["a warning"],
        generated: new Map([["generated/types.txt", "types"]]),
      };
    },
  };
  return { state, builder };
};

let folder: string;
let made: ReturnType<typeof counting>;
let count = 0;
const build = (more: Partial<BuildOptions> = {}) =>
  buildProject(folder, { builderFor: () => made.builder, ...more });
const write = (path: string, text: string) => {
  mkdirSync(join(folder, path, ".."), { recursive: true });
  writeFileSync(join(folder, path), text);
};
/** A source written now may be changed within the same clock tick; builds see it as it is after that. */
const settled = () => Bun.sleep(40);

beforeEach(async () => {
  folder = join(root, String(count++));
  made = counting();
  write("loop.toml", '[component]\nname = "probe"\nlanguage = "text"\n');
  write("src/main.txt", "one");
  write("wit/world.wit", "package a:b;\n");
  await settled();
});

const codeOf = async (work: Promise<unknown>): Promise<string> => {
  try {
    await work;
    return "it was built";
  } catch (error) {
    return error instanceof Fault ? error.code : String(error);
  }
};

describe("a build", () => {
  test("writes the component, its typings and nothing else", async () => {
    const outcome = await build();
    expect(outcome).toMatchObject({ name: "probe", language: "text", built: true, warnings: ["a warning"] });
    expect(outcome.component).toBe(join(folder, "build/probe.wasm"));
    expect(outcome.bytes).toBe(readFileSync(outcome.component).length);
    expect(readFileSync(join(folder, "generated/types.txt"), "utf8")).toBe("types");
    expect(readdirSync(join(folder, "build")).sort()).toEqual(["probe.stamp.json", "probe.wasm"]);
  });

  test("does nothing where nothing has changed, and touching a file changes nothing", async () => {
    const first = await build();
    const again = await build();
    expect(again).toMatchObject({ built: false, digest: first.digest, bytes: first.bytes, warnings: [] });
    utimesSync(join(folder, "src/main.txt"), new Date(), new Date());
    expect((await build()).built).toBe(false);
    expect(made.state.builds).toBe(1);
  });

  test("takes the word of whoever remembers what the result is", async () => {
    const { digest, component } = await build();
    const asked: string[] = [];
    const saying = (said: Digest) => (file: string) => {
      asked.push(file);
      return said;
    };
    expect((await build({ digestOfFile: saying(digest) })).built).toBe(false);
    expect((await build({ digestOfFile: saying(digestOf(new Uint8Array())) })).built).toBe(true);
    expect(asked).toEqual([component, component]);
  });

  test("is done again where a source, the WIT, loop.toml, the builder or the result has changed", async () => {
    await build();
    const changes: (() => void)[] = [
      () => write("src/main.txt", "two"),
      () => write("wit/more.wit", "// another file"),
      () => write("loop.toml", '[component]\nname = "probe"\nlanguage = "text"\nversion = "0.2.0"\n'),
      () => write("absent.json", "{}"),
      () => {
        made.state.version = "2";
      },
      () => write("build/probe.wasm", "damaged"),
      () => rmSync(join(folder, "build/probe.wasm")),
      () => rmSync(join(folder, "generated"), { recursive: true }),
      () => write("build/probe.stamp.json", "{ not JSON"),
      () => write("build/probe.stamp.json", "{}"),
    ];
    for (const [at, change] of changes.entries()) {
      change();
      expect([at, (await build()).built]).toEqual([at, true]);
      await settled();
      await build();
      expect([at, (await build()).built]).toEqual([at, false]);
    }
  });

  test("another source of the same size and time is another, before a build and while it goes on", async () => {
    const path = join(folder, "src/main.txt");
    const old = new Date(Date.now() - 60_000);
    utimesSync(path, old, old);
    await settled();
    await build();
    const exchange = (text: string) => {
      write("src/other.txt", text);
      utimesSync(join(folder, "src/other.txt"), old, old);
      renameSync(join(folder, "src/other.txt"), path);
    };
    exchange("two");
    await settled();
    expect((await build()).built).toBe(true);
    made.state.during = async () => exchange("six");
    write("src/main.txt", "ten");
    await build();
    made.state.during = async () => {};
    expect((await build()).built).toBe(true);
    expect(readFileSync(join(folder, "build/probe.wasm"), "latin1")).toContain("ssix");
  });

  test("is done again when it is forced", async () => {
    await build();
    expect((await build({ force: true })).built).toBe(true);
  });

  test("a source that changes while it is built is built again the next time", async () => {
    made.state.during = async () => write("src/main.txt", "two");
    await build();
    made.state.during = async () => {};
    expect((await build()).built).toBe(true);
    expect(Buffer.from(readFileSync(join(folder, "build/probe.wasm"))).includes("two")).toBe(true);
  });

  test("two at once both end right", async () => {
    let arrived = 0;
    let release = () => {};
    const both = new Promise<void>((resolve) => {
      release = resolve;
    });
    made.state.during = () => {
      if (++arrived === 2) release();
      return both;
    };
    const [first, second] = await Promise.all([build(), build()]);
    expect(first!.digest).toBe(second!.digest);
    expect((await build()).built).toBe(false);
    expect(readdirSync(join(folder, "build")).sort()).toEqual(["probe.stamp.json", "probe.wasm"]);
  });

  test("interrupted, it leaves what was there", async () => {
    const { digest } = await build();
    write("src/main.txt", "two");
    const interrupt = new AbortController();
    made.state.during = async () => interrupt.abort();
    expect(await codeOf(build({ signal: interrupt.signal }))).toBe("LK0005");
    expect(
      `sha256:${new Bun.CryptoHasher("sha256").update(readFileSync(join(folder, "build/probe.wasm"))).digest("hex")}`,
    ).toBe(digest);
    made.state.during = async () => {};
    expect((await build()).built).toBe(true);
  });

  test("the commands of loop.toml and who built it travel in the component", async () => {
    write(
      "loop.toml",
      '[component]\nname = "probe"\nlanguage = "text"\n[[commands]]\nname = "deploy"\nsummary = "Ships it"\n',
    );
    const bytes = readFileSync((await build()).component);
    const sections = customSections(bytes);
    const { commands } = JSON.parse(new TextDecoder().decode(sections.get(commandsSection)![0]));
    expect(commands).toMatchObject([{ name: "deploy", summary: "Ships it", options: [] }]);
    expect(new TextDecoder().decode(sections.get("producers")![0])).toContain("loop-kit");
    expect(readWishes("probe", bytes)).toEqual([]);
  });

  test("what it wants capabilities for travels in the component, and what it is granted does not", async () => {
    write(
      "loop.toml",
      `[component]
name = "probe"
language = "text"
[grants]
net = ["b.test"]
[capabilities]
"loop:storage" = "Keeps notes"
"wasi:http" = { reason = "Asks a.test", want = ["a.test:443"] }
`,
    );
    const bytes = readFileSync((await build()).component);
    expect(readWishes("probe", bytes)).toEqual([
      { name: "loop:storage", reason: "Keeps notes", want: [] },
      { name: "wasi:http", reason: "Asks a.test", want: ["a.test:443"] },
    ]);
    expect(Buffer.from(bytes).includes("b.test")).toBe(false);
  });
});

describe("a build is refused", () => {
  test("without a loop.toml, a component table or one main file", async () => {
    rmSync(join(folder, "loop.toml"));
    expect(await codeOf(build())).toBe("LK0504");
    write("loop.toml", "[workspace]\nmembers = []\n");
    expect(await codeOf(build())).toBe("LK0607");
    write("loop.toml", '[component]\nname = "probe"\nlanguage = "text"\n');
    write("src/main.md", "another");
    expect(await codeOf(build())).toBe("LK0607");
    write("loop.toml", '[component]\nname = "probe"\nlanguage = "text"\n[build]\nmain = "src/absent.txt"\n');
    expect(await codeOf(build())).toBe("LK0607");
  });

  test("where main leads out of the folder", async () => {
    write("loop.toml", '[component]\nname = "probe"\nlanguage = "text"\n[build]\nmain = "../main.txt"\n');
    expect(await codeOf(build())).toBe("LK0607");
  });

  test("where build cannot be written", async () => {
    write("build", "a file in its place");
    expect(await codeOf(build())).toBe("LK0006");
  });
});
