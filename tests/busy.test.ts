// Applications that compute without end under `loop dev`, from source and as the executable: the session goes on
// beside them, and so do questions from other terminals. And requests of that kind, where they have a time.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { executable } from "../scripts/executable.ts";
import { wasmTools } from "../src/contract/tools.ts";
import { picker } from "../src/host/fixture.ts";

const root = join(import.meta.dir, "..");
const temporary = realpathSync(mkdtempSync(join(tmpdir(), "loop-busy-")));
const runtime = join(temporary, "runtime");
const source = [process.execPath, join(root, "src/main.ts")];

const spawn = (program: readonly string[], folder: string, ...words: string[]) =>
  Bun.spawn([...program, ...words], {
    cwd: join(temporary, folder),
    env: {
      PATH: "/nowhere",
      HOME: temporary,
      XDG_DATA_HOME: join(temporary, "data"),
      XDG_CACHE_HOME: join(temporary, "cache"),
      XDG_RUNTIME_DIR: runtime,
    },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });

/** The events of a session, as they come. */
class Events {
  readonly seen: string[] = [];
  constructor(stream: ReadableStream<Uint8Array>) {
    void (async () => {
      let rest = "";
      for await (const bytes of stream) {
        const lines = (rest + new TextDecoder().decode(bytes)).split("\n");
        rest = lines.pop()!;
        this.seen.push(...lines);
      }
    })();
  }
  /** Waits for one that comes after the first `from`. */
  async until(wanted: RegExp, from = 0): Promise<void> {
    for (let waited = 0; !this.seen.slice(from).some((line) => wanted.test(line)); waited += 10) {
      if (waited > 60_000) throw new Error(`${wanted} was looked for in ${this.seen.slice(from)}`);
      await Bun.sleep(10);
    }
  }
}

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
  writeFileSync(join(temporary, language, guests[language].main), guests[language].text(text, endless));

beforeAll(() => {
  mkdirSync(runtime, { mode: 0o700 });
  for (const language of ["wat", "typescript"] as const) {
    for (const folder of ["src", "wit"]) mkdirSync(join(temporary, language, folder), { recursive: true });
    writeFileSync(
      join(temporary, language, "loop.toml"),
      `[component]\nname = "busy"\nlanguage = "${language}"\nworld = "busy"\n`,
    );
    writeFileSync(
      join(temporary, language, "wit/world.wit"),
      `package a:busy@0.1.0;\nworld busy { ${guests[language].imports} export wasi:cli/run@0.2.12; }\n`,
    );
  }
});
afterAll(() => rmSync(temporary, { recursive: true, force: true }));

for (const [way, program] of [
  ["from source", source],
  ["from dist/loop", [executable]],
] as const)
  for (const language of ["wat", "typescript"] as const)
    test(`${language}, ${way}: a saved version comes in, others are answered, and Ctrl-C ends it`, async () => {
      write(language, "first");
      const session = spawn(program, language, "dev", "--json");
      const said = new Response(session.stderr).text();
      try {
        const events = new Events(session.stdout);
        await events.until(/"event":"started"/);

        // It listens when it has run for a moment.
        let told = "";
        while (!told.includes(`${session.pid}`))
          told = await new Response(spawn(program, language, "ps").stdout).text();
        expect(told).toMatch(new RegExp(`^${session.pid} .*dev --json$`, "m"));

        // One that computes gives way to another, that one to one that fails to build, and none of them is in the way.
        let from = events.seen.length;
        write(language, "second");
        await events.until(/"event":"started"/, from);
        from = events.seen.length;
        writeFileSync(join(temporary, language, guests[language].main), "(((");
        await events.until(/"event":"failed"/, from);
        from = events.seen.length;
        write(language, "third", false);
        await events.until(/"event":"ended".*"exitCode"/, from);
        from = events.seen.length;
        write(language, "fourth");
        await events.until(/"event":"started"/, from);
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
    mkdirSync(join(temporary, "slotted", folder), { recursive: true });
  writeFileSync(
    join(temporary, "slotted/loop.toml"),
    `[component]\nname = "slotted"\nlanguage = "typescript"\nworld = "slotted"
[slots.picks]\ncontract = "s:s/pick@0.1.0"\ncombination = "all"\ndefault = "./a.wasm"\n`,
  );
  writeFileSync(
    join(temporary, "slotted/wit/world.wit"),
    "package a:slotted@0.1.0;\nworld slotted { import s:s/pick@0.1.0; export wasi:cli/run@0.2.12; }\n",
  );
  writeFileSync(
    join(temporary, "slotted/wit/deps/s/package.wit"),
    "package s:s@0.1.0;\ninterface pick { pick: func(n: u32) -> list<u32>; }\n",
  );
  // It calls now and then, and never waits.
  writeFileSync(
    join(temporary, "slotted/src/main.ts"),
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
    writeFileSync(join(temporary, `slotted/${name}.wasm`), await tools.parse(picker(at + 1)));
  const session = spawn(source, "slotted", "dev", "--json");
  try {
    const events = new Events(session.stdout);
    await events.until(/"text":"11"/);
    let swapped = 1;
    // It listens when it has run for a moment.
    while (swapped !== 0)
      swapped = await spawn(source, "slotted", "swap", `${session.pid}`, "picks", "b.wasm").exited;
    await events.until(/"text":"12"/);
    expect(await spawn(source, "slotted", "slot", "set", "picks", "c.wasm", "a.wasm").exited).toBe(0);
    await events.until(/"text":"13,11"/);
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
  for (const folder of ["src", "wit"]) mkdirSync(join(temporary, "served", folder), { recursive: true });
  writeFileSync(
    join(temporary, "served/loop.toml"),
    '[component]\nname = "served"\nlanguage = "typescript"\nworld = "served"\n',
  );
  writeFileSync(
    join(temporary, "served/wit/world.wit"),
    `package a:served@0.1.0;
world served { import wasi:http/types@0.2.12; export wasi:http/incoming-handler@0.2.12; }
`,
  );
  writeFileSync(join(temporary, "served/src/main.ts"), handler);
  expect(await spawn(source, "served", "build").exited).toBe(0);
  const words = ["serve", "--addr", "127.0.0.1:0", "--timeout", "10m", "--grace", "50ms"];
  const server = spawn(source, "served", ...words);
  try {
    const said = new Events(server.stderr);
    await said.until(/^Serving .* at http/);
    const url = /http:\S+/.exec(said.seen.join("\n"))![0];
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
