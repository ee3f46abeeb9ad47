// The dev server as a slot, through the front door: a component that passes everything on to loop's own changes
// nothing; one that has a layout, a loader and commands of its own is heard, held to what is taken, and grants nothing.
import { beforeAll, beforeEach, expect, test } from "bun:test";
import { cpSync, mkdirSync, mkdtempSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { homeFor } from "./home.ts";

const home = homeFor("devserver");
const built = join(home.folder, "built");
let work: string;

const { loop } = home;

const write = (folder: string, files: Readonly<Record<string, string>>): void => {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(join(folder, path, ".."), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
};

const wit = `package demo:app@0.1.0;

interface style {
  render: func(name: string) -> string;
}

world app {
  import wasi:clocks/wall-clock@0.2.12;
  import style;
  export wasi:cli/run@0.2.12;
}

world styling {
  export style;
}

world stopped {
  export wasi:clocks/wall-clock@0.2.12;
}

world greeting {
  include loop:cli/command-component@0.1.0;
}

world scanning {
  export loop:devserver/workspace@0.1.0;
}

world serving {
  export loop:devserver/workspace@0.1.0;
  export loop:devserver/loader@0.1.0;
  export loop:devserver/commands@0.1.0;
}

world passing {
  import loop:devserver/workspace@0.1.0;
  import loop:devserver/loader@0.1.0;
  import loop:devserver/commands@0.1.0;
  include serving;
}
`;

const component = (name: string, world: string, source: string, more = "") => ({
  [`${name}/loop.toml`]: `[component]\nname = "${name}"\nlanguage = "typescript"\nworld = "${world}"\n${more}`,
  [`${name}/src/main.ts`]: source,
  [`${name}/wit/world.wit`]: wit,
});

const greeting = (word: string) =>
  `export const style = { render: (name: string): string => \`${word} \${name}\` };\n`;

/** A dev server that answers what a table beside its source says. */
const serving = (answers: string) => `${answers}
const member = (folder: string, name: string, uses: string[]) => ({
  name,
  folder: \`\${folder}/\${name}\`,
  component: \`\${folder}/\${name}/build/\${name}.wasm\`,
  uses,
  watched: [\`\${folder}/\${name}\`],
});
`;

const files = {
  ...component(
    "app",
    "app",
    `import { now } from "wasi:clocks/wall-clock@0.2.12";
import { render } from "demo:app/style@0.1.0";

export const run = {
  run(): void {
    console.log(render("you"), now().seconds < 100n ? "long ago" : "today");
  },
};
`,
  ),
  ...component("plain", "styling", greeting("Hello")),
  ...component("loud", "styling", greeting("HEY")),
  ...component(
    "stopped",
    "stopped",
    `export const wallClock = {
  now: () => ({ seconds: 7n, nanoseconds: 0 }),
  resolution: () => ({ seconds: 0n, nanoseconds: 1 }),
};
`,
  ),
  ...component(
    "greet",
    "greeting",
    `export const command = {
  run(): number {
    console.log("Greetings");
    return 0;
  },
};
`,
    `[[commands]]\nname = "greet"\nsummary = "Greets"\n[[commands]]\nname = "cloud greet"\nsummary = "Greets from afar"\n`,
  ),
  ...component(
    "passing",
    "passing",
    `import { scan } from "loop:devserver/workspace@0.1.0";
import { load, providers } from "loop:devserver/loader@0.1.0";
import { list } from "loop:devserver/commands@0.1.0";

export const workspace = { scan };
export const loader = { load, providers };
export const commands = { list };
`,
  ),
  ...component(
    "server",
    "serving",
    serving(`let at = "";
export const workspace = {
  scan(folder: string) {
    at = folder;
    const plain = member(folder, "plain", []);
    return { members: [{ ...plain, watched: [...plain.watched, \`\${folder}/made\`] }, member(folder, "app", ["plain"])], application: "app" };
  },
};
export const loader = {
  load: ({ name }: { name: string }) =>
    name === "plain" ? ({ tag: "made", val: \`\${at}/made/loud.wasm\` } as const) : ({ tag: "sources" } as const),
  providers: (folder: string) => [{ slot: "provider:wasi:clocks/wall-clock", identifier: \`\${folder}/made/stopped.wasm\` }],
};
export const commands = {
  list: (folder: string) => [{ name: "cloud greet", summary: "Greets from afar", component: \`\${folder}/made/greet.wasm\` }],
};
`),
  ),
  ...component(
    "scanning",
    "scanning",
    serving(`export const workspace = {
  scan: (folder: string) => ({ members: [member(folder, "plain", []), member(folder, "app", ["plain"])], application: "app" }),
};
`),
  ),
};

/** Those that are no good. */
const bad = {
  ...component(
    "endless",
    "scanning",
    `export const workspace = {
  scan(): never {
    for (;;);
  },
};
`,
  ),
  ...component(
    "greedy",
    "scanning",
    `export const workspace = {
  scan: () => ({ members: [{ name: "a", folder: "../..", component: "/a.wasm", uses: [], watched: [] }], application: undefined }),
};
`,
  ),
};

const slots = (devserver: string) => `[slots.style]
contract = "demo:app/style@0.1.0"
default = "./plain/build/plain.wasm"
${devserver}`;

const own = slots(`
[component]
name = "app"
language = "typescript"
world = "app"

[build]
main = "app/src/main.ts"

[workspace]
members = ["plain", "greet"]
`);

beforeAll(async () => {
  write(built, { ...files, ...bad });
  const names = ["app", "plain", "loud", "stopped", "greet", "passing", "server", "scanning"];
  for (const name of [...names, "endless", "greedy"])
    expect((await loop(join(built, name), "build")).said).toBe("");
}, 300_000);
beforeEach(() => {
  work = mkdtempSync(join(home.folder, "work-"));
  cpSync(built, work, { recursive: true, preserveTimestamps: true });
  cpSync(join(built, "app/wit"), join(work, "wit"), { recursive: true });
});

/** What a session says until its application has ended, and once more after each of some changes. */
const develop = async (folder: string, ...words: string[]) => developing(folder, words, []);

const developing = async (folder: string, words: readonly string[], changes: readonly (() => void)[]) => {
  const child = home.spawn(folder, "dev", "--json", ...words);
  const events: Record<string, unknown>[] = [];
  const decoder = new TextDecoder();
  let rest = "";
  let changed = 0;
  for await (const bytes of child.stdout) {
    const lines = (rest + decoder.decode(bytes, { stream: true })).split("\n");
    rest = lines.pop()!;
    events.push(...lines.map((line) => JSON.parse(line)));
    const over = events.filter(({ event }) => event === "ended" || event === "failed").length;
    if (over > changes.length) break;
    if (over > changed) changes[changed++]!();
  }
  child.kill("SIGINT");
  await child.exited;
  return events;
};

const of = (events: readonly Record<string, unknown>[], name: string) =>
  events.filter(({ event }) => event === name);
const written = (events: readonly Record<string, unknown>[]) => of(events, "log").map(({ text }) => text);

/** What does not differ from one session to the next. */
const lasting = (events: readonly Record<string, unknown>[]) =>
  events
    .filter(({ event }) => event !== "building" && event !== "resized")
    .map(({ time: _, ms: __, ...rest }) => rest);

test("a component that passes everything on behaves as loop's own", async () => {
  write(work, { "loop.toml": own });
  await develop(work);
  const plain = lasting(await develop(work));
  expect(written(plain)).toEqual(["Hello you today"]);
  expect(of(plain, "commands")).toEqual([
    {
      event: "commands",
      commands: [
        { name: "greet", summary: "Greets", component: join(work, "greet/build/greet.wasm") },
        { name: "cloud greet", summary: "Greets from afar", component: join(work, "greet/build/greet.wasm") },
      ],
    },
  ]);
  const grants = ["workspace", "loader", "commands"].map((name) => `loop:devserver/${name}`);
  const passing = `devserver=passing/build/passing.wasm ${grants.map((name) => `--allow=${name}`).join(" ")}`;
  expect(lasting(await develop(work, "--slot", passing))).toEqual(plain);
  for (const words of [["greet"], ["help", "greet"]])
    expect(await loop(work, "--slot", passing, ...words)).toEqual(await loop(work, ...words));
}, 120_000);

test("without the grant it learns nothing of the workspace from loop", async () => {
  write(work, { "loop.toml": own });
  const { out, code } = await loop(work, "dev", "--json", "--slot", "devserver=passing/build/passing.wasm");
  expect(code).toBe(1);
  expect(out).toContain("loop:devserver/workspace");
}, 60_000);

test("a component lays the workspace out, brings components in from elsewhere, and has a command", async () => {
  mkdirSync(join(work, "made"));
  for (const name of ["loud", "stopped", "greet"])
    cpSync(join(work, name, "build", `${name}.wasm`), join(work, "made", `${name}.wasm`));
  write(work, { "loop.toml": slots('[slots.devserver]\nuse = "./server/build/server.wasm"\n') });
  const plain = join(work, "plain/build/plain.wasm");
  const change = () => {
    cpSync(plain, join(work, "made/loud.new"));
    renameSync(join(work, "made/loud.new"), join(work, "made/loud.wasm"));
  };
  const events = await developing(work, [], [change]);
  expect(of(events, "watching")[0]).toMatchObject({ members: ["plain", "app"] });
  expect(written(events)).toEqual(["HEY you long ago", "Hello you long ago"]);
  expect(of(events, "commands")[0]).toMatchObject({ commands: [{ name: "cloud greet" }] });
  expect(await loop(work, "cloud", "greet")).toMatchObject({ out: "Greetings\n", said: "", code: 0 });
  const help = await loop(join(work, "app"), "help");
  expect(help.out).not.toContain("cloud greet");
  // Help starts no component that it can do without.
  expect((await loop(work, "help")).out).toContain("server.wasm registers besides is not listed");
  expect((await loop(work, "help", "cloud", "greet")).out).toContain("cloud greet");
  expect((await loop(work, "--builtin", "cloud", "greet")).said).toContain("LK0001");
}, 60_000);

test.each([
  ["endless", "LK0711"],
  ["greedy", "LK0451"],
])(
  "one that is %s ends nothing but itself",
  async (name, code) => {
    write(work, { "loop.toml": own });
    const slot = ["--slot", `devserver=${name}/build/${name}.wasm`];
    expect(await loop(work, "dev", ...slot)).toMatchObject({ code: 1, said: expect.stringContaining(code) });
    expect(await loop(work, "help", ...slot)).toMatchObject({ code: 0, said: "" });
  },
  60_000,
);

test("the loop.toml of the folder that is developed speaks, wherever the person stands", async () => {
  write(work, { "loop.toml": own });
  expect(written(await develop(home.folder, work))).toEqual(["Hello you today"]);
}, 60_000);

test("a component that says what there is, and no more, leaves the rest to loop", async () => {
  write(work, { "loop.toml": slots('[slots.devserver]\nuse = "./scanning/build/scanning.wasm"\n') });
  const events = await develop(work);
  expect(written(events)).toEqual(["Hello you today"]);
  expect(of(events, "commands")).toEqual([]);
}, 60_000);

test("a workspace's own commands are built where they are stale, and hide no other", async () => {
  write(work, { "loop.toml": own });
  const source = join(work, "greet/src/main.ts");
  writeFileSync(source, (await Bun.file(source).text()).replace("Greetings", "Welcome"));
  expect(await loop(join(work, "plain"), "greet")).toMatchObject({ out: "Welcome\n", code: 0 });
  expect((await loop(work, "help")).out).toContain("greet");
  const manifest = join(work, "greet/loop.toml");
  writeFileSync(manifest, (await Bun.file(manifest).text()).replace('"greet"\nsummary', '"info"\nsummary'));
  expect((await loop(work, "help", "info")).out).not.toContain("Greets");
  const mistyped = await loop(work, "gret");
  expect(mistyped.said).toContain("LK0001");
}, 60_000);

test("what is written after a registered command's name is read by its own description", async () => {
  write(work, { "loop.toml": own });
  expect((await loop(work, "greet", "--loud")).said).toContain("LK0002");
}, 60_000);
