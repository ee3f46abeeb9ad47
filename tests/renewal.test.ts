// A server whose component is swapped while it is asked: what is under way is answered by whom it was begun, what comes
// next by the one that came, and nobody who asks notices.
import { beforeAll, expect, test } from "bun:test";
import { cpSync, readFileSync, writeFileSync } from "node:fs";
import { Agent, request } from "node:http";
import { createConnection } from "node:net";
import { join } from "node:path";
import { wat } from "../src/builders/wat.ts";
import { completed } from "../src/builders/wit.ts";
import { homeFor, root, Said, soon } from "./home.ts";

const home = homeFor("renewal");
home.env.XDG_RUNTIME_DIR = home.folder;
const at = (name: string) => join(home.folder, `${name}.wasm`);

const build = async (name: string, world: string, wit: string, text: string): Promise<Uint8Array> => {
  writeFileSync(join(home.folder, `${name}.wat`), text);
  const found = await completed(new Map([["wit/world.wit", wit]]));
  const folder = home.folder;
  const { component } = await wat.build({
    folder,
    name,
    main: `${name}.wat`,
    world,
    wit: found,
    settings: {},
  });
  writeFileSync(at(name), component);
  return component;
};

const hello = readFileSync(join(root, "benchmarks/http/src/main.wat"), "utf8");
const helloWit = readFileSync(join(root, "benchmarks/http/wit/world.wit"), "utf8");
const echo = join(root, "src/providers/wasi/guest/echo");
/** As long as what the handler answers. */
const versionText = (version: number) => `Version ${`${version}`.padStart(4, "0")}\n`;
/** What may be wrong with one that comes, and what is said of it. */
const broken = [
  ["bytes", "LK0201"],
  ["world", "LK0402"],
  ["start", "LK0304"],
  ["ill", "LK0424"],
  ["wanting", "LK0701"],
  ["nowhere", "LK0101"],
] as const;

let handler: Buffer;
/** A component of its own for each version. */
const versioned = (version: number): string => {
  const bytes = Buffer.from(handler);
  bytes.write(versionText(version), bytes.indexOf("Version "));
  writeFileSync(at(`version-${version}`), bytes);
  return at(`version-${version}`);
};

beforeAll(async () => {
  handler = Buffer.from(
    await build("hello", "hello", helloWit, hello.replace("Hello, world\\n", "Version 0000\\n")),
  );
  await build(
    "echo",
    "echo",
    readFileSync(join(echo, "world.wit"), "utf8"),
    readFileSync(join(echo, "main.wat"), "utf8"),
  );
  await build(
    "start",
    "hello",
    helloWit,
    hello.replace(/\)\s*$/, "(func $begin unreachable) (start $begin))"),
  );
  const ill = helloWit.replace("export", "export loop:core/health@0.1.0;\n  export");
  const check = `(func (export "loop:core/health@0.1.0#check") (result i32)
    (i32.store8 (i32.const 128) (i32.const 1))
    (i32.store (i32.const 132) (i32.const 1024)) (i32.store (i32.const 136) (i32.const 5))
    (i32.const 128)))`;
  await build("ill", "hello", ill, hello.replace(/\)\s*$/, check));
  const wanting = helloWit.replace("export", "import loop:storage/key-value@0.1.0;\n  export");
  const wants = `(module
  (import "loop:storage/key-value@0.1.0" "delete" (func $delete (param i32 i32 i32)))`;
  await build("wanting", "hello", wanting, hello.replace("(module", wants));
  await build(
    "world",
    "other",
    "package test:other;\nworld other { export run: func(); }\n",
    '(module (func (export "run")))',
  );
  writeFileSync(at("bytes"), "no component");
}, 120_000);

const start = (...words: string[]) => {
  const child = home.spawn(home.folder, ...words);
  const [out, err] = [new Said(child.stdout), new Said(child.stderr)];
  const said = () => [...out.lines, ...err.lines];
  return { child, said, count: (text: string) => said().filter((line) => line.includes(text)).length };
};

const serve = async (identifier: string, ...flags: string[]) => {
  const { child, said } = start("serve", identifier, "--addr", "127.0.0.1:0", "--json", ...flags);
  const ask = (question: object) => asked(join(home.folder, "loop", `${child.pid}.sock`), question);
  await soon(async () => portIn(said()) > 0 && (await ask({ ask: "state" })) !== undefined);
  return {
    port: portIn(said()),
    said,
    swap: (identifier: string) => ask({ ask: "swap", place: "application", identifier }),
    standing: async () => (await ask({ ask: "state" }))!.state.places[0].standing[0],
    async stop() {
      child.kill("SIGTERM");
      return child.exited;
    },
  };
};

const portIn = (said: readonly string[]): number =>
  Number(/http:[/][/]127.0.0.1:(\d+)[/]/.exec(said.join())?.[1]);

/** One question, as another terminal asks it; undefined where nobody listens. */
// biome-ignore lint/suspicious/noExplicitAny: a JSON document
const asked = (path: string, question: object): Promise<any> =>
  new Promise((resolve) => {
    let answer = "";
    const socket = createConnection(path, () =>
      socket.write(`${JSON.stringify({ loop: 1, ...question })}\n`),
    );
    socket.on("data", (bytes) => {
      answer += bytes;
    });
    socket.on("error", () => resolve(undefined));
    socket.on("close", () => resolve(answer === "" ? undefined : JSON.parse(answer)));
  });

/** A client that keeps its connections, and counts them. */
const clientOf = (port: number) => {
  const agent = new Agent({ keepAlive: true, maxSockets: 6 });
  const sockets = new Set<unknown>();
  const post = (body: string): Promise<string> =>
    new Promise((resolve, reject) => {
      const sent = request({ port, agent, method: "POST", path: "/", host: "127.0.0.1" }, (answer) => {
        let text = "";
        answer.on("data", (bytes) => {
          text += bytes;
        });
        answer.on("error", reject);
        answer.on("end", () =>
          answer.statusCode === 200 ? resolve(text) : reject(new Error(`${answer.statusCode}`)),
        );
      });
      sent.on("socket", (socket) => sockets.add(socket));
      sent.on("error", reject);
      sent.end(body);
    });
  return { post, sockets, end: () => agent.destroy() };
};

/** A request whose body is sent piece by piece, and what has come back of it. */
const uploadTo = (port: number) => {
  let text = "";
  const done = Promise.withResolvers<string>();
  const sent = request({ port, method: "POST", path: "/", host: "127.0.0.1" }, (answer) => {
    answer.on("data", (bytes) => {
      text += bytes;
    });
    answer.on("error", done.reject);
    answer.on("end", () => done.resolve(text));
  });
  sent.on("error", done.reject);
  return { sent, done: done.promise, seen: () => text };
};

/** Asks for as long as it is to; counts the answers, and throws what none may be. */
const hammer = async (client: ReturnType<typeof clientOf>, goesOn: () => boolean): Promise<number> => {
  let count = 0;
  for (; goesOn(); count++) {
    const body = `asked ${count}`;
    const text = await client.post(body);
    if (text !== body && !/^Version \d{4}\n$/.test(text))
      throw new Error(`It answered ${JSON.stringify(text)}`);
  }
  return count;
};

test.each([
  [[], 100],
  [["--per-request"], 30],
  [["--trailers"], 30],
] as const)(
  "a server with %j is swapped under load, and no request is lost",
  async (flags, swaps) => {
    const server = await serve(versioned(0), ...flags);
    const client = clientOf(server.port);
    let hammering = true;
    const hammers = Array.from({ length: 6 }, () => hammer(client, () => hammering));
    expect((await server.swap(at("echo"))).swapped).toHaveLength(1);
    // Begun by one that gives way at once: they are its to the end.
    const uploads = Array.from({ length: 3 }, () => uploadTo(server.port));
    for (const { sent } of uploads) sent.write("begun,");
    await soon(async () => uploads.every(({ seen }) => seen() === "begun,"));
    let generation = 2;
    let stands = "echo";
    for (let swap = 1; swap <= swaps; swap++) {
      const isBroken = swap % 3 === 0;
      const [kind, code] = broken[(swap / 3) % broken.length] ?? broken[0];
      const answer = await server.swap(isBroken ? at(kind) : swap % 10 === 1 ? at("echo") : versioned(swap));
      if (isBroken) {
        expect([kind, answer.fault?.code]).toEqual([kind, code]);
        expect(answer.fault.causes.join()).toContain("Swapping: ");
      } else {
        expect(answer.fault).toBeUndefined();
        generation++;
        stands = swap % 10 === 1 ? "echo" : versionText(swap);
      }
      expect(await client.post("echo")).toBe(stands);
      for (const { sent } of uploads) sent.write(`${swap},`);
    }
    hammering = false;
    const counts = await Promise.all(hammers);
    expect(Math.min(...counts)).toBeGreaterThan(0);
    const whole = ["begun", ...Array.from({ length: swaps }, (_, i) => i + 1), "end"].join();
    for (const { sent, done } of uploads) {
      sent.end("end");
      expect(await done).toBe(whole);
    }
    expect(client.sockets.size).toBeLessThanOrEqual(6);
    expect(await server.standing()).toMatchObject({ generation });
    expect(server.said().filter((line) => line.includes('"error"'))).toEqual([]);
    client.end();
    expect(await server.stop()).toBe(0);
  },
  120_000,
);

test("loop dev brings a handler in between two requests, and its port stays open", async () => {
  const folder = join(home.folder, "handler");
  cpSync(join(root, "benchmarks/http"), folder, { recursive: true });
  const source = join(folder, "src/main.wat");
  const write = (text: string) => writeFileSync(source, hello.replace("Hello, world\\n", text));
  write("Version 0000\\n");
  const dev = start("dev", folder, "--addr", "127.0.0.1:0", "--json");
  await soon(async () => portIn(dev.said()) > 0);
  const client = clientOf(portIn(dev.said()));
  let hammering = true;
  const hammers = Array.from({ length: 4 }, () => hammer(client, () => hammering));
  for (let version = 1; version <= 6; version++) {
    const isBroken = version % 3 === 0;
    const before = dev.count('"event":"failed"');
    write(isBroken ? 'oh"no' : `Version 000${version}\\n`);
    if (isBroken) await soon(async () => dev.count('"event":"failed"') > before);
    else await soon(async () => (await client.post("")) === `Version 000${version}\n`);
  }
  hammering = false;
  await Promise.all(hammers);
  expect(client.sockets.size).toBeLessThanOrEqual(6);
  client.end();
  expect([dev.count('"event":"started"'), dev.count('"event":"swapped"')]).toEqual([1, 4]);
  expect(dev.count("There is no slot")).toBe(0);
  dev.child.kill("SIGINT");
  expect(await dev.child.exited).toBe(0);
}, 120_000);
