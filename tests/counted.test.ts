// A server that keeps its count when it is replaced, through the front door: `loop swap` from another terminal, and
// `loop dev` when its source changes.
import { beforeAll, expect, test } from "bun:test";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { homeFor, Said, soon } from "./home.ts";

const home = homeFor("counted");
const work = join(home.folder, "work");

const manifest = (name: string, more = "") =>
  `[component]\nname = "${name}"\nlanguage = "typescript"\nworld = "${name === "moved" ? "moving" : "counted"}"\n${more}`;

const world = `package a:counted@0.1.0;
world counted {
  import wasi:http/types@0.2.12;
  export wasi:http/incoming-handler@0.2.12;
  export loop:core/handover@0.1.0;
}
world moving {
  export loop:core/migration@0.1.0;
}
`;

/** Answers with a word and how often it was asked; `version` is that of its state, the only one that it takes. */
const handler = (
  word: string,
  version: string,
) => `import type { IncomingRequest, ResponseOutparam as Out } from "wasi:http/types@0.2.12";
import { Fields, OutgoingBody, OutgoingResponse, ResponseOutparam } from "wasi:http/types@0.2.12";
let count = 0;
export const incomingHandler = { handle(_: IncomingRequest, out: Out): void {
  const response = new OutgoingResponse(new Fields());
  const body = response.body();
  ResponseOutparam.set(out, { tag: "ok", val: response });
  const stream = body.write();
  stream.blockingWriteAndFlush(new TextEncoder().encode(\`${word} \${++count}\`));
  stream[Symbol.dispose]();
  OutgoingBody.finish(body, undefined);
} };
export const handover = {
  save: () => ({ version: "${version}", bytes: new TextEncoder().encode(String(count)) }),
  restore(version: string, bytes: Uint8Array): void {
    if (version !== "${version}") throw \`a state of version \${version}\`;
    count = Number(new TextDecoder().decode(bytes));
  },
};
`;

const moving = `export const migration = {
  migrate: ({ bytes }: { bytes: Uint8Array }) => ({ version: "2", bytes }),
};
`;

beforeAll(async () => {
  const sources = {
    calm: handler("calm", "1"),
    loud: handler("LOUD", "1"),
    other: handler("other", "2"),
    stuck: handler("stuck", "1").replace("save: () => (", "save: () => { for (;;) count++; }, kept: () => ("),
    moved: moving,
  };
  for (const [name, source] of Object.entries(sources)) {
    for (const folder of ["src", "wit"]) mkdirSync(join(work, name, folder), { recursive: true });
    writeFileSync(join(work, name, "loop.toml"), manifest(name));
    writeFileSync(join(work, name, "wit/world.wit"), world);
    writeFileSync(join(work, name, "src/main.ts"), source);
    expect(await home.loop(join(work, name), "build")).toMatchObject({ code: 0 });
  }
}, 120_000);

const built = (name: string) => join(work, name, "build", `${name}.wasm`);

/** What serves says where it does; the answer asks it. */
const asking = async (said: Said) => {
  const [, url] = await said.until(/(http:\/\/127\.0\.0\.1:\d+\/)/);
  return async () => (await fetch(url!, { keepalive: false })).text();
};

test("what is swapped in by another terminal counts on, and no request is lost", async () => {
  const folder = join(work, "calm");
  const server = home.spawn(folder, "serve", "--addr", "127.0.0.1:0");
  const said = new Said(server.stderr);
  const get = await asking(said);
  expect([await get(), await get()]).toEqual(["calm 1", "calm 2"]);
  const swap = (name: string, ...more: string[]) =>
    home.loop(folder, "swap", `${server.pid}`, "application", built(name), ...more);
  // It listens for other terminals when it has run for a moment.
  await soon(async () => (await home.loop(folder, "ps")).out.includes(`${server.pid}`));

  const answers: string[] = [];
  let over = false;
  const clients = Array.from({ length: 4 }, async () => {
    while (!over) answers.push(await get());
  });
  const { out, code } = await swap("loud");
  expect([code, out]).toEqual([0, expect.stringMatching(/generation 2, its state handed over\)\n$/)]);
  const had = answers.length;
  await soon(() => answers.length > had + 4);
  over = true;
  await Promise.all(clients);
  const counts = answers.map((text) => Number(text.split(" ")[1])).sort((a, b) => a - b);
  expect(counts).toEqual(counts.map((_, at) => at + 3));
  // Whoever came later was answered by what came.
  const turn = Math.max(...answers.map((text) => (text.startsWith("calm") ? Number(text.split(" ")[1]) : 0)));
  for (const text of answers) expect(text.startsWith("LOUD")).toBe(Number(text.split(" ")[1]) > turn);
  const next = counts.length + 3;
  expect(await get()).toBe(`LOUD ${next}`);

  // State of another version is refused, the old one counts on, and the loop.toml there names what turns it.
  const refused = await swap("other");
  expect([refused.code, refused.said]).toEqual([1, expect.stringMatching(/LK0423[\s\S]*restore/)]);
  expect(await get()).toBe(`LOUD ${next + 1}`);
  server.kill("SIGINT");
  expect(await server.exited).toBe(0);
}, 60_000);

test("state of another version goes through what the loop.toml names", async () => {
  const folder = join(work, "calm");
  const settings = readFileSync(join(folder, "loop.toml"), "utf8");
  writeFileSync(join(folder, "loop.toml"), manifest("calm", `migrate = "${built("moved")}"\n`));
  const server = home.spawn(folder, "serve", "--addr", "127.0.0.1:0", "--json");
  const [out, said] = [new Said(server.stdout), new Said(server.stderr)];
  const get = await asking(out);
  expect(await get()).toBe("calm 1");
  await soon(async () => (await home.loop(folder, "ps")).out.includes(`${server.pid}`));
  const words = ["swap", `${server.pid}`, "application", built("other"), "--json"];
  const swapped = await home.loop(folder, ...words);
  expect(JSON.parse(swapped.out)).toMatchObject([{ generation: 2, state: "migrated" }]);
  expect(await get()).toBe("other 2");
  server.kill("SIGINT");
  expect(await server.exited).toBe(0);
  expect(await said.whole).toMatch(
    /^loop: application is filled by .* generation 2, its state migrated\)\n$/,
  );
  writeFileSync(join(folder, "loop.toml"), settings);
}, 60_000);

test("a save that never ends is stopped, and what serves from the start goes on with its count", async () => {
  const folder = join(work, "stuck");
  const server = home.spawn(folder, "serve", "--addr", "127.0.0.1:0");
  const get = await asking(new Said(server.stderr));
  expect(await get()).toBe("stuck 1");
  await soon(async () => (await home.loop(folder, "ps")).out.includes(`${server.pid}`));
  const { code, said } = await home.loop(folder, "swap", `${server.pid}`, "application", built("calm"));
  expect([code, said]).toEqual([1, expect.stringMatching(/LK0711[\s\S]*Swapping: save/)]);
  expect(await get()).toBe("stuck 2");
  server.kill("SIGINT");
  expect(await server.exited).toBe(0);
}, 60_000);

test("one that has state is not served with an instance for each request", async () => {
  const { code, said } = await home.loop(
    join(work, "calm"),
    "serve",
    "--addr",
    "127.0.0.1:0",
    "--per-request",
  );
  expect(code).toBe(1);
  expect(said).toMatch(/error\[LK0004\]: .*loop:core\/handover.*--per-request[\s\S]*hint: loop serve /);
}, 20_000);

test("loop dev lets a handler count on when its source is saved", async () => {
  const folder = join(work, "calm");
  const source = join(folder, "src/main.ts");
  const original = readFileSync(source, "utf8");
  const session = home.spawn(folder, "dev", "--addr", "127.0.0.1:0", "--json");
  try {
    const out = new Said(session.stdout);
    const get = await asking(out);
    expect([await get(), await get()]).toEqual(["calm 1", "calm 2"]);
    for (const [at, word] of ["first", "second"].entries()) {
      const from = out.lines.length;
      writeFileSync(source, handler(word, "1"));
      const swapped = await out.line(/"event":"swapped"/, from);
      expect(JSON.parse(out.lines[swapped]!)).toMatchObject({
        place: "application",
        state: "handed-over",
        generation: at + 2,
      });
      expect(await get()).toBe(`${word} ${at + 3}`);
    }
  } finally {
    session.kill("SIGINT");
    expect(await session.exited).toBe(0);
    writeFileSync(source, original);
  }
}, 60_000);
