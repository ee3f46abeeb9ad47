// Applications that compute without end under `loop dev`, from source and as the executable: the session goes on
// beside them, and so do questions from other terminals. And requests of that kind, where they have a time.
import { beforeAll, expect, test } from "bun:test";
import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { executable } from "../scripts/executable.ts";
import { wasmTools } from "../src/contract/tools.ts";
import { picker } from "../src/host/fixture.ts";
import { homeFor, loopWords, Said } from "./home.ts";

const home = homeFor("busy", { PATH: "/nowhere" });
const runtime = join(home.folder, "runtime");
home.env.XDG_RUNTIME_DIR = runtime;

const spawn = (program: readonly string[], folder: string, ...words: string[]) =>
  home.start([...program, ...words], { cwd: join(home.folder, folder) });

const script = (text: string, endless: boolean) => `import { getStdout } from "wasi:cli/stdout@0.2.12";
export const run = { run(): void {
  getStdout().blockingWriteAndFlush(new TextEncoder().encode("${text}\\n"));
  ${endless ? "for (let n = 0; ; n = (n * 31 + 7) | 0);" : ""}
} };
`;

/** Its bytes differ with the length of the text. */
const wat = (text: string, endless: boolean) => `(module
  (func (export "cabi_post_nothing") (drop (i32.const ${text.length})))
  (memory (export "memory") 1)
  (func (export "wasi:cli/run@0.2.12#run") (result i32) ${endless ? "(loop $l (br $l))" : ""} (i32.const 1))
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (unreachable)))
`;

const guests = {
  wat: { main: "src/main.wat", text: wat, imports: "" },
  typescript: { main: "src/main.ts", text: script, imports: "import wasi:cli/stdout@0.2.12;" },
} as const;
type Language = keyof typeof guests;

const write = (language: Language, text: string, endless = true) =>
  writeFileSync(join(home.folder, language, guests[language].main), guests[language].text(text, endless));

beforeAll(() => {
  mkdirSync(runtime, { mode: 0o700 });
  for (const language of ["wat", "typescript"] as const) {
    for (const folder of ["src", "wit"]) mkdirSync(join(home.folder, language, folder), { recursive: true });
    writeFileSync(
      join(home.folder, language, "loop.toml"),
      `[component]\nname = "busy"\nlanguage = "${language}"\nworld = "busy"\n`,
    );
    writeFileSync(
      join(home.folder, language, "wit/world.wit"),
      `package a:busy@0.1.0;\nworld busy { ${guests[language].imports} export wasi:cli/run@0.2.12; }\n`,
    );
  }
});

for (const [way, program] of [
  ["from source", loopWords],
  ["from dist/loop", [executable]],
] as const)
  for (const language of ["wat", "typescript"] as const)
    test(`${language}, ${way}: a saved version comes in, others are answered, and Ctrl-C ends it`, async () => {
      write(language, "first");
      const session = spawn(program, language, "dev", "--json");
      const said = new Response(session.stderr).text();
      try {
        const events = new Said(session.stdout);
        await events.line(/"event":"started"/);

        // It listens when it has run for a moment.
        let told = "";
        while (!told.includes(`${session.pid}`))
          told = await new Response(spawn(program, language, "ps").stdout).text();
        expect(told).toMatch(
          new RegExp(`^${session.pid} .*dev --json +${join(home.folder, language)}$`, "m"),
        );

        // One that computes gives way to another, that one to one that fails to build, and none of them is in the way.
        let from = events.lines.length;
        write(language, "second");
        await events.line(/"event":"started"/, from);
        from = events.lines.length;
        writeFileSync(join(home.folder, language, guests[language].main), "(((");
        await events.line(/"event":"failed"/, from);
        from = events.lines.length;
        write(language, "third", false);
        await events.line(/"event":"ended".*"exitCode"/, from);
        from = events.lines.length;
        write(language, "fourth");
        await events.line(/"event":"started"/, from);
        session.kill("SIGINT");
        expect([await session.exited, await said]).toEqual([0, ""]);
        expect(readdirSync(runtime, { recursive: true })).not.toContain(`loop/${session.pid}.sock`);
      } finally {
        session.kill("SIGKILL");
        await session.exited;
      }
    }, 180_000);

test("what fills a slot is swapped from other terminals while its application computes", async () => {
  for (const folder of ["src", "wit/deps/s"])
    mkdirSync(join(home.folder, "slotted", folder), { recursive: true });
  writeFileSync(
    join(home.folder, "slotted/loop.toml"),
    `[component]\nname = "slotted"\nlanguage = "typescript"\nworld = "slotted"
[slots.picks]\ncontract = "s:s/pick@0.1.0"\ncombination = "all"\ndefault = "./a.wasm"\n`,
  );
  writeFileSync(
    join(home.folder, "slotted/wit/world.wit"),
    "package a:slotted@0.1.0;\nworld slotted { import s:s/pick@0.1.0; export wasi:cli/run@0.2.12; }\n",
  );
  writeFileSync(
    join(home.folder, "slotted/wit/deps/s/package.wit"),
    "package s:s@0.1.0;\ninterface pick { pick: func(n: u32) -> list<u32>; }\n",
  );
  // It calls now and then, and never waits.
  writeFileSync(
    join(home.folder, "slotted/src/main.ts"),
    `import { pick } from "s:s/pick@0.1.0";
export const run = { run(): void {
  for (let n = 0, said = ""; ; n = (n + 1) % 1_000_000) {
    if (n > 0) continue;
    const text = [...pick(10)].join();
    if (text !== said) console.log(text);
    said = text;
  }
} };
`,
  );
  const tools = await wasmTools();
  for (const [at, name] of ["a", "b", "c"].entries())
    writeFileSync(join(home.folder, `slotted/${name}.wasm`), await tools.parse(picker(at + 1)));
  const session = spawn(loopWords, "slotted", "dev", "--json");
  try {
    const events = new Said(session.stdout);
    await events.line(/"text":"11"/);
    let swapped = 1;
    // It listens when it has run for a moment.
    while (swapped !== 0)
      swapped = await spawn(loopWords, "slotted", "swap", `${session.pid}`, "picks", "b.wasm").exited;
    await events.line(/"text":"12"/);
    expect(await spawn(loopWords, "slotted", "slot", "set", "picks", "c.wasm", "a.wasm").exited).toBe(0);
    await events.line(/"text":"13,11"/);
    session.kill("SIGINT");
    expect(await session.exited).toBe(0);
  } finally {
    session.kill("SIGKILL");
    await session.exited;
  }
}, 120_000);

const handler = `import { Fields, OutgoingResponse, ResponseOutparam } from "wasi:http/types@0.2.12";
import type { IncomingRequest, ResponseOutparam as Out } from "wasi:http/types@0.2.12";
export const incomingHandler = { handle(request: IncomingRequest, out: Out): void {
  if (request.pathWithQuery() === "/busy") for (let n = 0; ; n = (n + 1) | 0);
  ResponseOutparam.set(out, { tag: "ok", val: new OutgoingResponse(new Fields()) });
} };
`;

test("a server whose requests have a time answers others while one computes, and Ctrl-C ends it", async () => {
  for (const folder of ["src", "wit"]) mkdirSync(join(home.folder, "served", folder), { recursive: true });
  writeFileSync(
    join(home.folder, "served/loop.toml"),
    '[component]\nname = "served"\nlanguage = "typescript"\nworld = "served"\n',
  );
  writeFileSync(
    join(home.folder, "served/wit/world.wit"),
    `package a:served@0.1.0;
world served { import wasi:http/types@0.2.12; export wasi:http/incoming-handler@0.2.12; }
`,
  );
  writeFileSync(join(home.folder, "served/src/main.ts"), handler);
  expect(await spawn(loopWords, "served", "build").exited).toBe(0);
  const words = ["serve", "--addr", "127.0.0.1:0", "--timeout", "10m", "--grace", "50ms"];
  const server = spawn(loopWords, "served", ...words);
  try {
    const said = new Said(server.stderr);
    await said.line(/^Serving .* at http/);
    const url = /http:\S+/.exec(said.text)![0];
    const never = fetch(`${url}/busy`).then(
      () => "answered",
      () => "cut",
    );
    for (let request = 0; request < 5; request++) expect((await fetch(url)).status).toBe(200);
    server.kill("SIGINT");
    expect([await server.exited, await never]).toEqual([0, "cut"]);
  } finally {
    server.kill("SIGKILL");
    await server.exited;
  }
}, 120_000);
