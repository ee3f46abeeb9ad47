// Programs as fillings through the front door: who may start one, and an application that one serves.
import { beforeAll, expect, test } from "bun:test";
import { chmodSync, cpSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { homeFor, Said } from "./home.ts";
import { gone, isThere } from "./processes.ts";
import { fixtures } from "./sidecars.ts";

const home = homeFor("sidecars");
const work = join(home.folder, "work");
const shop = join(work, "sidecar/shop.py");
const clock = join(work, "sidecar/clock.py");

const start = (...words: string[]) => home.spawn(work, ...words);
const loop = async (...words: string[]) => {
  const { out, ...rest } = await home.loop(work, ...words);
  return { out: out.trim(), ...rest };
};

const basketry: Readonly<Record<string, string>> = {
  "basketry/loop.toml": `[component]\nname = "basketry"\nlanguage = "typescript"\nworld = "basketry"\n`,
  "basketry/src/main.ts": `import { Basket, forge, kept } from "demo:side/baskets@0.1.0";

export const run = {
  run(): void {
    const one = new Basket("tea");
    console.log(one.add("tea", 2), Basket.merge(one, new Basket("cup")), one.look().join());
    try {
      one.add("tea", 101);
    } catch (error) {
      console.log(JSON.stringify((error as { payload: unknown }).payload));
    }
    for (const part of one.split()) part[Symbol.dispose]();
    console.log(kept()[1]);
    try {
      forge("twice");
    } catch {}
    one.look();
  },
};
`,
};

const manifest = (use: string) => `[component]
name = "app"
language = "typescript"
world = "app"

[slots.shop]
contract = "demo:side/shop@0.1.0"
policy = "plugin"
timeout = "5s"
${use}`;

const baskets = readFileSync(join(fixtures, "baskets.wit"), "utf8");
const files: Readonly<Record<string, string>> = {
  "loop.toml": manifest(""),
  "wit/world.wit": `package demo:side@0.1.0;

interface shop {
  record item { name: string, count: u32, tags: list<string> }
  variant price { free, fixed(f64), named(string) }
  find: func(name: string) -> option<item>;
  buy: func(items: list<item>) -> result<price, string>;
  misbehave: func(how: string) -> string;
}

${baskets}
world basketry {
  import wasi:cli/environment@0.2.12;
  import baskets;
  export wasi:cli/run@0.2.12;
}

world app {
  import wasi:clocks/wall-clock@0.2.12;
  import wasi:cli/environment@0.2.12;
  import shop;
  export wasi:cli/run@0.2.12;
}
`,
  "src/main.ts": `import { getArguments } from "wasi:cli/environment@0.2.12";
import { now } from "wasi:clocks/wall-clock@0.2.12";
import { buy, find, misbehave } from "demo:side/shop@0.1.0";

export const run = {
  run(): void {
    for (const how of getArguments().slice(1)) misbehave(how);
    console.log(JSON.stringify(find("tea")));
    console.log(JSON.stringify(buy([{ name: "cup", count: 2, tags: [] }])));
    try {
      buy([{ name: "salt", count: 1, tags: [] }]);
    } catch (error) {
      console.log(String((error as { payload: string }).payload));
    }
    console.log(now().seconds < 100000n ? "long ago" : "today");
  },
};
`,
};

beforeAll(async () => {
  for (const [path, text] of Object.entries({ ...files, ...basketry })) {
    mkdirSync(join(work, path, ".."), { recursive: true });
    writeFileSync(join(work, path), text);
  }
  cpSync(fixtures, join(work, "sidecar"), { recursive: true });
  cpSync(join(work, "wit"), join(work, "basketry/wit"), { recursive: true });
  for (const folder of [".", "basketry"]) expect((await loop("build", folder)).said).toBe("");
}, 120_000);

const served = `{"name":"tea","count":3,"tags":["here","TEA"]}
{"tag":"fixed","val":3}
there is too little salt`;

test("a program fills a slot only after a person trusted its bytes and said that it may be started", async () => {
  const untrusted = await loop("slot", "set", "shop", "sidecar:sidecar/shop.py");
  expect(untrusted.code).toBe(1);
  expect(untrusted.said).toContain("LK0408");
  expect(untrusted.said).toContain(`loop trust add sidecar:${shop}\n`);

  expect((await loop("trust", "add", `sidecar:${shop}`)).said).toBe("");
  // A loop.toml names it and grants it to itself: that is the file's word and nobody else's.
  writeFileSync(
    join(work, "loop.toml"),
    manifest(`use = "sidecar:sidecar/shop.py"\ngrants = ["--allow-run=${shop}"]\n`),
  );
  const named = await loop("run");
  expect(named.code).toBe(1);
  expect(named.said).toContain("LK0701");
  expect(named.said).toContain("nobody has said that it may be started");
  expect(named.said).toContain(`loop trust add sidecar:${shop} --allow-run=${shop}`);

  expect((await loop("trust", "add", `sidecar:${shop}`, `--allow-run=${shop}`)).said).toBe("");
  const run = await loop("run");
  expect([run.out, run.said]).toEqual([`${served}\ntoday`, ""]);

  // Other bytes are another program.
  const kept = await Bun.file(shop).text();
  writeFileSync(shop, `${kept}\n# changed\n`);
  const changed = await loop("run");
  expect([changed.code, changed.said]).toEqual([1, expect.stringContaining("LK0408")]);
  writeFileSync(shop, kept);

  chmodSync(shop, 0o777);
  const writable = await loop("run");
  expect([writable.code, writable.said]).toEqual([1, expect.stringContaining("may be written by everybody")]);
  chmodSync(shop, 0o755);

  // What could not be kept is not promised.
  const folder = await loop("--slot", `shop=sidecar:${shop} --dir .`, "run");
  expect([folder.code, folder.said]).toEqual([1, expect.stringContaining("LK0702")]);
  writeFileSync(join(work, "loop.toml"), manifest(""));
}, 60_000);

test("a program that is edited under loop dev waits until it is trusted, and comes when it is saved again as it is", async () => {
  const trust = async () => {
    for (const word of [[], [`--allow-run=${shop}`]])
      expect((await loop("trust", "add", `sidecar:${shop}`, ...word)).said).toBe("");
  };
  await trust();
  writeFileSync(join(work, "loop.toml"), manifest(`use = "sidecar:sidecar/shop.py"\n`));
  const dev = start("dev", "--json");
  const said = new Said(dev.stdout);
  await said.line(/"event":"ended"/);
  const from = said.lines.length;
  const edited = `${await Bun.file(shop).text()}\n# edited\n`;
  writeFileSync(shop, edited);
  const failed = await said.line(/"event":"failed"/, from);
  expect(said.lines[failed]).toContain("LK0408");
  await trust();
  const saved = said.lines.length;
  writeFileSync(shop, edited);
  await said.line(/"event":"ended"/, saved);
  expect(said.lines.slice(saved).join("\n")).toContain('"text":"today"');
  dev.kill("SIGINT");
  expect(await dev.exited).toBe(0);
  writeFileSync(join(work, "loop.toml"), manifest(""));
}, 60_000);

test("a program that was chosen with loop slot set serves, and one serves a capability of WASI", async () => {
  expect((await loop("slot", "set", "shop", "sidecar:sidecar/kiosk")).code).toBe(1);
  const node = join(work, "sidecar/kiosk");
  expect((await loop("trust", "add", `sidecar:${node}`)).said).toBe("");
  expect((await loop("slot", "set", "shop", `sidecar:${node}`, `--allow-run=${node}`)).said).toBe("");
  expect((await loop("run")).out).toBe(`${served}\ntoday`);

  expect((await loop("trust", "add", `sidecar:${clock}`)).said).toBe("");
  expect((await loop("trust", "add", `sidecar:${clock}`, `--allow-run=${clock}`)).said).toBe("");
  const past = await loop("--slot", `provider:wasi:clocks/wall-clock=sidecar:${clock}`, "run");
  expect([past.out, past.said]).toEqual([`${served}\nlong ago`, ""]);
}, 60_000);

test("a program serves resources to a component, which go with it", async () => {
  for (const name of ["baskets.py", "kiosk"]) {
    const program = join(work, "sidecar", name);
    expect((await loop("trust", "add", `sidecar:${program}`)).said).toBe("");
    const slot = `provider:demo:side=sidecar:${program} --allow-run=${program}`;
    const run = await loop("--slot", slot, "run", "basketry/build/basketry.wasm");
    expect(run.out).toBe(`3 4 tea,tea,tea,cup\n{"tag":"full","val":"there is no room for 101"}\n1`);
    // What is forged ends the program, and the component with it, since its function has no err.
    expect([run.code, run.said]).toEqual([1, expect.stringContaining("LK0431")]);
    expect(run.said).toContain("a basket by a name that another resource has");
  }
}, 60_000);

test("a program fills no slot of loop's own, and is no component that could be run", async () => {
  const command = await loop("slot", "set", "command:shop", `sidecar:${shop}`);
  expect(command.said).toContain("a program fills slots of applications and of capabilities, and no other");
  const run = await loop("run", `sidecar:${shop}`);
  expect([run.code, run.said]).toEqual([1, expect.stringContaining("LK0103")]);
}, 60_000);

test("a program that hears nothing goes with a loop that is killed, and so does what it started", async () => {
  expect((await loop("trust", "add", `sidecar:${shop}`)).said).toBe("");
  const app = start(
    "--slot",
    `shop=sidecar:${shop} --allow-run=${shop}`,
    "run",
    "build/app.wasm",
    "--",
    "deaf with a child",
  );
  const said = new Said(app.stderr);
  await said.until(/\n/);
  expect(said.text).toMatch(/^shop.py: /);
  const [, ...pids] = /^shop\.py: (\d+) (\d+)\n$/.exec(said.text)!.map(Number);
  expect(pids.filter(isThere).length).toBe(2);
  app.kill("SIGKILL");
  await app.exited;
  await gone(...pids);
}, 120_000);
