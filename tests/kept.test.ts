// What a component holds open and the next one goes on with, by real guests: in WebAssembly text and in C through both
// linkers, and in TypeScript through the front door, with a client who notices nothing.
import { beforeAll, describe, expect, test } from "bun:test";
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ownCache } from "../src/base/fixture.ts";
import { c } from "../src/builders/c.ts";
import { typescript } from "../src/builders/typescript.ts";
import { wat } from "../src/builders/wat.ts";
import { completed } from "../src/builders/wit.ts";
import type { Instance } from "../src/host/instance.ts";
import { Live } from "../src/host/live.ts";
import { succeeding } from "../src/host/places.ts";
import { type LinkedPlan, link } from "../src/host/plan.ts";
import type { InstanceContext } from "../src/host/provider.ts";
import { core } from "../src/providers/core/core.ts";
import { wasi } from "../src/providers/wasi/index.ts";
import { kept, kept3 } from "../src/providers/wasi/kept/index.ts";
import { sockets } from "../src/providers/wasi/sockets.ts";
import { sockets3 } from "../src/providers/wasi/sockets3.ts";
import { wasi3 } from "../src/providers/wasi/wasi3.ts";
import { noGrants } from "../src/trust/grants.ts";
import { parseNetwork } from "../src/trust/network.ts";
import { verify } from "../src/trust/verify.ts";
import { homeFor, root, Said } from "./home.ts";

const fixtures = join(import.meta.dir, "fixtures/kept");
const home = homeFor("kept", { LOOP_GPU: "software" });
ownCache();

const guests: Record<string, Uint8Array> = {};
beforeAll(async () => {
  const text = readFileSync(join(fixtures, "kept.wit"), "utf8");
  const wit = await completed(new Map([["wit/kept.wit", text]]));
  const build = async (name: string, { builder, file, world }: (typeof sources)[number]) => {
    const folder = join(home.folder, name);
    const main = `src/${file}`;
    mkdirSync(join(folder, "src"), { recursive: true });
    symlinkSync(join(root, "node_modules"), join(folder, "node_modules"));
    const source = readFileSync(join(fixtures, file), "utf8");
    writeFileSync(join(folder, main), source.replaceAll("VERSION", name));
    guests[name] = (await builder.build({ folder, name, main, world, wit, settings: {} })).component;
  };
  for (const source of sources) for (const name of source.names) await build(name, source);
}, 120_000);

const sources = [
  { names: ["wat"], builder: wat, file: "holder.wat", world: "holder" },
  { names: ["c"], builder: c, file: "holder.c", world: "holder" },
  { names: ["one", "two", "broken"], builder: typescript, file: "worker.guest.js", world: "worker" },
  { names: ["one3", "two3", "broken3"], builder: c, file: "worker3.c", world: "worker3" },
];

const quiet = { write() {}, flush() {}, isTerminal: false };
type Linker = "loop" | "jco";

const providers = [wasi, sockets, kept, wasi3, sockets3, kept3, core];

const planOf = (name: string, linker: Linker): Promise<LinkedPlan> =>
  link(verify(`${name}.wasm`, guests[name]!), { providers, linker });

/** A place with a guest in it, and what swaps it for another. */
const placed = async (name: string, linker: Linker) => {
  const plan = await planOf(name, linker);
  const context: InstanceContext = {
    component: { identifier: plan.component.identifier, digest: plan.component.digest },
    args: [],
    grants: {
      ...noGrants,
      folders: [{ host: home.folder, guest: "/data", readOnly: true }],
      network: parseNetwork("listen=127.0.0.1:0"),
    },
    stdio: { stdin: { read: () => undefined, isTerminal: false }, stdout: quiet, stderr: quiet },
    onDrop() {},
  };
  // What callers use of it; every component in C is a program besides.
  const exports = new Map([...plan.world.exports].filter(([used]) => !used.startsWith("wasi:cli/run")));
  const options = { place: "holder", contract: { ...plan.world, exports, imports: new Map() }, waits: true };
  const live = new Live(options, plan, await plan.instantiate(context));
  const swapTo = (next: LinkedPlan, after: (made: Instance) => Promise<void> = async () => {}) =>
    live.swap(async () => ({
      plan: next,
      start: async (before) => {
        const made = await next.instantiate(succeeding(context, before));
        await after(made);
        return made;
      },
    }));
  /** Calls the next one before it takes the place, for guests that have no start of their own; then it may fail. */
  const swap = async (calls: readonly string[], fails = false) => {
    const answers: unknown[] = [];
    const swapping = swapTo(plan, async (made) => {
      for (const name of calls) answers.push(await made.call(undefined, name, []));
      if (!fails) return;
      made.drop();
      throw new Error("It failed after it had taken");
    });
    if (fails) await expect(swapping).rejects.toThrow("It failed after it had taken");
    else await swapping;
    return answers;
  };
  return {
    live,
    swapTo,
    swap,
    call: (name: string, of?: string) => live.run((instance) => instance.call(of, name, [])),
  };
};

/** What other files of tests left open may be closed meanwhile. */
const openNow = () => readdirSync("/proc/self/fd").length;

describe.each(["loop", "jco"] as const)("linked by %s", (linker) => {
  test.each([
    ["wat", 1],
    ["c", 3],
  ])(
    "a guest in %s takes what the one before it kept, after a swap that failed as well",
    async (language, answer) => {
      const before = openNow();
      const { live, swap, call } = await placed(language, linker);
      expect(await call("go-on")).toBe(0);
      expect(await call("hold")).toBe(true);
      expect(await swap(["go-on"], true)).toEqual([answer]);
      expect([await swap(["go-on"]), live.generation]).toEqual([[answer], 2]);
      // Whoever kept it is gone, and nobody kept it anew.
      expect(await call("go-on")).toBe(0);
      live.drop();
      expect(openNow()).toBeLessThanOrEqual(before);
    },
  );
});

describe.each([
  ["in TypeScript, linked by loop", "loop", ["one", "two", "broken"]],
  ["in TypeScript, linked by jco", "jco", ["one", "two", "broken"]],
  ["of WASI 0.3", "jco", ["one3", "two3", "broken3"]],
  ["of WASI 0.2 and then of 0.3", "jco", ["one", "two3", "broken3"]],
  ["of WASI 0.3 and then of 0.2", "jco", ["one3", "two", "broken"]],
] as const)("%s", (_, linker, [first, second, failing]) => {
  test("a client, a file without a name and a timer go on, and one that fails takes nothing away", async () => {
    writeFileSync(join(home.folder, "words"), "0000 0001 0002 0003 ");
    const before = openNow();
    const { live, swapTo, call } = await placed(first, linker);
    const work = (name: string) => call(name, "test:kept/work@0.1.0");
    const [two, one, broken] = await Promise.all(
      [second, first, failing].map((name) => planOf(name, linker)),
    );
    const port = (await work("begin")) as number;
    let heard = "";
    const client = await Bun.connect({
      hostname: "127.0.0.1",
      port,
      socket: {
        data(_, bytes) {
          heard += bytes.toString();
        },
      },
    });
    const echo = async (said: string, before = async () => {}) => {
      const from = heard.length;
      client.write(said);
      await before();
      while (!heard.endsWith(" ")) await Promise.all([work("serve"), Bun.sleep(1)]);
      const answer = heard.slice(from);
      heard = "";
      return [answer, await work("read")];
    };
    expect(await echo("a")).toEqual([`a${first} `, "0000"]);
    rmSync(join(home.folder, "words"));
    // What is said while nobody is asked to serve waits for the next one.
    const swapped = async () => {
      await Bun.sleep(20);
      expect((await swapTo(two!)).state).toBe("handed-over");
    };
    expect(await echo("b", swapped)).toEqual([`b${second} `, "0001"]);
    await expect(swapTo(broken!)).rejects.toThrow("not this state");
    expect(await echo("c")).toEqual([`c${second} `, "0002"]);
    await swapTo(one!);
    expect(await echo("d")).toEqual([`d${first} `, "0003"]);
    while (!(await work("rung"))) await Bun.sleep(10);
    live.drop();
    client.terminate();
    // The engine closes its sockets in its own time.
    for (let waited = 0; openNow() > before && waited < 10_000; waited += 10) await Bun.sleep(10);
    expect(openNow()).toBeLessThanOrEqual(before);
  }, 60_000);
});

test("what one of WASI 0.3 had not asked for yet is there for the next one", async () => {
  writeFileSync(join(home.folder, "words"), "");
  const { live, swapTo, call } = await placed("one3", "jco");
  const work = (name: string) => call(name, "test:kept/work@0.1.0");
  let heard = "";
  const client = await Bun.connect({
    hostname: "127.0.0.1",
    port: (await work("begin")) as number,
    socket: {
      data(_, bytes) {
        heard += bytes.toString();
      },
    },
  });
  // Each call reads a quarter of a thousand bytes at most.
  const said = Array.from({ length: 1000 }, (_, i) => String(i % 10)).join("");
  client.write(said);
  while (!heard.includes("one3 ")) await Promise.all([work("serve"), Bun.sleep(1)]);
  await swapTo(await planOf("two3", "jco"));
  const digits = () => heard.replace(/(one|two)3 /g, "");
  while (digits().length < 1000) await Promise.all([work("serve"), Bun.sleep(1)]);
  expect([digits(), heard.includes("two3 ")]).toEqual([said, true]);
  live.drop();
  client.terminate();
}, 60_000);

test("a storm of swaps, a third of them failing after they have taken, leaves no file open", async () => {
  const before = openNow();
  const { live, swap, call } = await placed("c", "loop");
  await call("hold");
  await swap(["go-on", "hold"]);
  const serving = openNow();
  for (let i = 0; i < 120; i++) expect(await swap(["go-on", "hold"], i % 3 === 0)).toEqual([3, true]);
  expect([live.generation, openNow()]).toEqual([82, serving]);
  live.drop();
  expect(openNow()).toBeLessThanOrEqual(before);
}, 60_000);

// Through the front door.

const work = join(home.folder, "work");
const spawn = (...words: string[]) => home.spawn(work, ...words);
const loop = async (...words: string[]) => {
  const { said, code } = await home.loop(work, ...words);
  return { said, code };
};

/** `name` is its version as well, which it says behind all that it echoes. */
const build = async (folder: string, name: string, world: string, main: string) => {
  const language = main.endsWith(".c") ? "c" : "typescript";
  const file = language === "c" ? "main.c" : "main.js";
  mkdirSync(join(work, folder, "wit"), { recursive: true });
  mkdirSync(join(work, folder, "src"), { recursive: true });
  cpSync(join(fixtures, "kept.wit"), join(work, folder, "wit/kept.wit"));
  const slot =
    world === "app"
      ? `[slots.work]\ncontract = "test:kept/work@0.1.0"\ndefault = "./one/build/one.wasm"\n`
      : "";
  writeFileSync(
    join(work, folder, "loop.toml"),
    `[component]\nname = "${name}"\nlanguage = "${language}"\nworld = "${world}"\n[build]\nmain = "src/${file}"\n${slot}`,
  );
  writeFileSync(
    join(work, folder, "src", file),
    readFileSync(join(fixtures, main), "utf8").replaceAll("VERSION", name),
  );
  expect(await loop("build", folder)).toEqual({ said: "", code: 0 });
};

beforeAll(async () => {
  mkdirSync(join(work, "data"), { recursive: true });
  await build(".", "app", "app", "app.guest.js");
  for (const name of ["one", "two", "broken"]) await build(name, name, "worker", "worker.guest.js");
  for (const name of ["one3", "two3", "broken3"]) await build(name, name, "worker3", "worker3.c");
}, 120_000);

test.each([
  ["WASI 0.2", ["one", "two", "broken"]],
  ["WASI 0.3", ["one3", "two3", "broken3"]],
  ["WASI 0.2 and then 0.3", ["one", "two3", "broken3"]],
] as const)(
  "a client, a file without a name and a timer go on while what holds them is swapped in a running program, by %s",
  async (_, [first, second, failing]) => {
    const words = Array.from({ length: 10_000 }, (_, i) => String(i).padStart(4, "0"));
    writeFileSync(join(work, "data/words"), words.map((word) => `${word} `).join(""));
    const fill = async (version: string, ...more: string[]) => {
      const grants = ["--dir", "data::/data:ro", "--allow-net=listen=127.0.0.1:0"];
      const { code, said } = await loop(
        "slot",
        "set",
        "work",
        `${version}/build/${version}.wasm`,
        ...(more.length > 0 ? more : grants),
      );
      expect([said, code]).toEqual(["", 0]);
    };
    await fill(first);
    const program = spawn("run");
    const [out, told] = [new Said(program.stdout), new Said(program.stderr)];
    let answers = "";
    let sent = 0;
    let sending: ReturnType<typeof setInterval> | undefined;
    try {
      const port = Number((await out.until(/port (\d+)\n/))[1]);
      const client = await Bun.connect({
        hostname: "127.0.0.1",
        port,
        socket: {
          data(_, bytes) {
            answers += bytes.toString();
          },
        },
      });
      sending = setInterval(() => client.write(`<${sent++}>`), 3);
      const answeredBy = async (version: string) => {
        const from = answers.length;
        while (!answers.slice(from).includes(version)) await Bun.sleep(5);
      };
      await answeredBy(first);
      rmSync(join(work, "data/words"));
      await fill(second);
      await told.until(new RegExp(`work is filled by .*${second}\\.wasm now .*its state handed over`));
      await answeredBy(second);
      // One that takes all of it and fails, and one that is granted nothing of it.
      await fill(failing);
      await told.until(/LK0423.*not this state/);
      await answeredBy(second);
      const from = told.text.length;
      await fill(first, "--allow-net=listen=127.0.0.1:0");
      await told.until(/LK0423.*not all of it was given/, from);
      await answeredBy(second);
      await fill(first);
      await told.until(new RegExp(`work is filled by .*${first}\\.wasm now`), from);
      await answeredBy(first);
      await out.until(/rung\n/);
      clearInterval(sending);
      while (!answers.includes(`<${sent - 1}>`)) await Bun.sleep(5);
      client.end();
      // Whoever comes now finds the same door.
      const late = await Bun.connect({ hostname: "127.0.0.1", port, socket: { data() {} } });
      late.end();
    } finally {
      clearInterval(sending);
      program.kill();
      await program.exited;
    }
    const echoed = [...answers.matchAll(/<(\d+)>/g)].map(([, number]) => Number(number));
    expect(echoed).toEqual(Array.from({ length: sent }, (_, i) => i));
    const lines = out.text.split("\n").slice(0, -1);
    const read = lines.filter((line) => /^\d{4}$/.test(line));
    expect(read).toEqual(words.slice(0, read.length));
    expect(lines.filter((line) => line === "rung")).toEqual(["rung"]);
  },
  180_000,
);

test("in loop dev a scene goes on with the device and the numbers that lie on it, whenever its source is saved", async () => {
  const folder = join(work, "field");
  const handed = join(root, "tests/fixtures/handed");
  const source = readFileSync(join(handed, "field.guest.js"), "utf8");
  const save = (version: string) =>
    writeFileSync(join(folder, "src/main.js"), source.replaceAll("VERSION", version));
  for (const part of ["wit", "src"]) mkdirSync(join(folder, part), { recursive: true });
  cpSync(join(handed, "handed.wit"), join(folder, "wit/handed.wit"));
  writeFileSync(
    join(folder, "loop.toml"),
    '[component]\nname = "field"\nlanguage = "typescript"\nworld = "field"\n[build]\nmain = "src/main.js"\n',
  );
  save("1");
  const words = ["dev", "field", "--headless", "--frames", "5000000", "--json", "--allow=loop:gfx"];
  const program = spawn(...words);
  const out = new Said(program.stdout);
  try {
    await out.until(/"1 made a device made heights"/);
    // What is saved while it still begins has nothing to take over, and begins instead of it.
    await out.until(/"1 draws"/);
    for (const version of ["2", "4"]) {
      const from = out.text.length;
      save(version);
      await out.until(new RegExp(`"${version} took a device took heights"`), from);
      await out.until(/"event":"swapped"/, from);
    }
    // One that fails after it has taken leaves the other drawing, with what both have.
    save("3");
    await out.until(/"3 took a device took heights"/);
    await out.until(/It fails after it has taken/);
    save("5");
    await out.until(/"5 took a device took heights"/);
  } finally {
    program.kill("SIGINT");
    expect(await program.exited).toBe(0);
  }
}, 180_000);
