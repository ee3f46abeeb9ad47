// What stands before a capability of a running application comes, goes and changes its order: from another terminal, and
// by itself.
import { beforeAll, expect, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { homeFor, Said } from "./home.ts";

const home = homeFor("relay", { PATH: "/nowhere" });
const work = join(home.folder, "work");
const spawn = (...words: string[]) => home.spawn(work, ...words);
const loop = (...words: string[]) => home.loop(work, ...words);

const clock = "provider:wasi:clocks/wall-clock";
const world = (name: string, more = "") => `package demo:${name};
world ${name} {
  import wasi:clocks/wall-clock@0.2.12;
  export wasi:clocks/wall-clock@0.2.12;
  ${more}
}
`;
/** Writes its digit behind the seconds of who stands behind it. */
const digit = (one: number, more = "") => `import * as next from "wasi:clocks/wall-clock@0.2.12";
export const wallClock = {
  now: () => ({ seconds: next.now().seconds * 10n + ${one}n, nanoseconds: 0 }),
  resolution: () => next.resolution(),
};
${more}`;

const component = (name: string, wit: string, source: string): Readonly<Record<string, string>> => ({
  [`${name}/loop.toml`]: `[component]\nname = "${name}"\nlanguage = "typescript"\nworld = "${name}"\n`,
  [`${name}/wit/world.wit`]: wit,
  [`${name}/src/main.ts`]: source,
});

const files: Readonly<Record<string, string>> = {
  ...component("one", world("one"), digit(1)),
  ...component("two", world("two"), digit(2)),
  ...component(
    "ill",
    world("ill", "export loop:core/health@0.1.0;"),
    digit(9, 'export const health = { check() { throw "not today"; } };\n'),
  ),
  ...component(
    "app",
    `package demo:app@0.1.0;
world app {
  import wasi:clocks/monotonic-clock@0.2.12;
  import wasi:clocks/wall-clock@0.2.12;
  import wasi:cli/environment@0.2.12;
  import loop:slots/slots@0.1.0;
  import loop:slots/changes@0.1.0;
  export wasi:cli/run@0.2.12;
}
`,
    `import { subscribeDuration } from "wasi:clocks/monotonic-clock@0.2.12";
import { now } from "wasi:clocks/wall-clock@0.2.12";
import { getArguments } from "wasi:cli/environment@0.2.12";
import { set } from "loop:slots/slots@0.1.0";
import { recent } from "loop:slots/changes@0.1.0";

/** What has been written behind the ten digits of the second that it is. */
const digits = () => now().seconds.toString().slice(10);

export const run = {
  run(): void {
    const [, ...wanted] = getArguments();
    if (wanted.length > 0) {
      console.log("before", digits());
      set("${clock}", wanted, []);
      console.log("after", digits(), recent().map(({ failed }) => failed ?? "well").join());
      return;
    }
    for (let i = 0; i < 3000; i++) {
      console.log("now", digits());
      subscribeDuration(10_000_000n).block();
    }
  },
};
`,
  ),
};
const [one, two, ill] = ["one", "two", "ill"].map((name) => `${name}/build/${name}.wasm`);
const app = "app/build/app.wasm";
const fill = async (...names: (string | undefined)[]) => {
  const { code, said } = await loop("slot", "set", clock, ...names.map((name) => name!));
  expect([said, code]).toEqual(["", 0]);
};

beforeAll(async () => {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(join(work, path, ".."), { recursive: true });
    writeFileSync(join(work, path), text);
  }
  for (const name of ["one", "two", "ill", "app"])
    expect((await home.loop(join(work, name), "build")).said).toBe("");
}, 120_000);

test("another terminal puts one before the other, changes their order and takes them away, and no call is lost", async () => {
  await fill(one);
  const running = spawn("run", app);
  const [out, said] = [new Said(running.stdout), new Said(running.stderr)];
  const from = () => out.text.length;
  await out.until(/^now 1$/m);
  await fill(one, two);
  await out.until(/^now 21$/m);
  await said.until(/wall-clock is filled by .*one\.wasm, .*two\.wasm now \(.*added .*two\.wasm\)/);
  await fill(two, one);
  await out.until(/^now 12$/m);
  await said.until(/wall-clock is filled by .* now \(.*in another order\)/);
  // Nobody stands before the host's own, which serves; and somebody may again.
  expect((await loop("slot", "reset", clock)).code).toBe(0);
  await out.until(/^now $/m, from());
  expect((await loop("slot", "rollback", clock)).code).toBe(0);
  await out.until(/^now 12$/m, from());
  await fill(two);
  await out.until(/^now 2$/m, from());
  running.kill();
  await running.exited;
  const lines = out.text.trim().split("\n").slice(0, -1);
  // What reaches one that has just come, or gone, in the middle of another's call is between the two.
  for (const line of lines) expect(line.trim()).toMatch(/^now( (1|2|12|21))?$/);
}, 120_000);

test("who is not well does not come, and those that were to come with it do not either", async () => {
  await fill(one);
  const running = spawn("run", app);
  const [out, said] = [new Said(running.stdout), new Said(running.stderr)];
  const goesOn = () => out.until(/\nnow 1\nnow 1\n/, out.text.length);
  await out.until(/^now 1$/m);
  await fill(two, ill, one);
  await said.until(/wall-clock was not swapped[\s\S]*LK0424[\s\S]*not today[\s\S]*health/);
  await goesOn();
  await fill(one, two);
  await out.until(/^now 21$/m);
  running.kill();
  await running.exited;
  for (const line of out.text.trim().split("\n").slice(0, -1)) expect(["now 1", "now 21"]).toContain(line);
}, 120_000);

test("what the next start alone can take over is said so, and what runs goes on", async () => {
  await fill(one);
  writeFileSync(join(work, "loop.toml"), "");
  const running = spawn("run", app);
  const [out, said] = [new Said(running.stdout), new Said(running.stderr)];
  await out.until(/^now 1$/m);
  // Nobody is to serve it: a file says so, and that is looked at when something is chosen.
  writeFileSync(join(work, "loop.toml"), `[slots."${clock}"]\nuse = []\n`);
  expect((await loop("slot", "reset", clock)).code).toBe(0);
  await said.until(/wall-clock was not swapped[\s\S]*LK0428[\s\S]*while it is used: nobody is to serve it/);
  await out.until(/\nnow 1\nnow 1\n/, out.text.length);
  running.kill();
  await running.exited;
  writeFileSync(join(work, "loop.toml"), "");
}, 60_000);

test("where the host's own is named, those before it change and those behind it serve nothing", async () => {
  const chosen = (...use: (string | undefined)[]) =>
    writeFileSync(join(work, "loop.toml"), `[slots."${clock}"]\nuse = ${JSON.stringify(use)}\n`);
  await loop("slot", "reset", clock);
  chosen(`./${one}`, "host:wasi");
  const running = spawn("run", app);
  const [out, said] = [new Said(running.stdout), new Said(running.stderr)];
  const from = () => out.text.length;
  await out.until(/^now 1$/m);
  // What is remembered stands behind what a file says.
  await fill(two);
  await out.until(/\nnow 1\nnow 1\n/, from());
  chosen(`./${two}`, `./${one}`, "host:wasi");
  await loop("slot", "reset", clock);
  await out.until(/^now 12$/m, from());
  chosen("host:wasi");
  await fill(two);
  await out.until(/^now $/m, from());
  expect(said.text).not.toContain("was not swapped");
  running.kill();
  await running.exited;
  writeFileSync(join(work, "loop.toml"), "");
}, 60_000);

test("an application that was granted loop:slots changes who serves it, and has it at the next call", async () => {
  await fill(one);
  const run = (...names: (string | undefined)[]) =>
    loop("run", app, "--allow=loop:slots", "--", ...names.map((name) => name!));
  expect((await run(two, one)).out).toBe("before 1\nafter 12 well\n");
  expect((await run(one)).out).toBe("before 12\nafter 1 well\n");
  expect((await run(ill, one)).out).toMatch(/^before 1\nafter 1 .*not today/);
}, 60_000);
