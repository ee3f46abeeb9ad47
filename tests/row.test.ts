// Slots of a running application that are filled anew: several fillings from another terminal, and by itself.
import { beforeAll, expect, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { wasmTools } from "../src/contract/tools.ts";
import { picker } from "../src/host/fixture.ts";
import { homeFor, Said } from "./home.ts";

const home = homeFor("row", { PATH: "/nowhere" });
const work = join(home.folder, "work");
const spawn = (...words: string[]) => home.spawn(work, ...words);
const loop = (...words: string[]) => home.loop(work, ...words);

const files: Readonly<Record<string, string>> = {
  "loop.toml": `[component]
name = "app"
language = "typescript"
world = "app"

[slots.picks]
contract = "s:s/pick@0.1.0"
combination = "all"
default = "./a.wasm"
`,
  "wit/world.wit": `package demo:app@0.1.0;
world app {
  import wasi:clocks/monotonic-clock@0.2.12;
  import wasi:cli/environment@0.2.12;
  import s:s/pick@0.1.0;
  import loop:slots/slots@0.1.0;
  import loop:slots/changes@0.1.0;
  export wasi:cli/run@0.2.12;
}
`,
  "wit/deps/s/package.wit": "package s:s@0.1.0;\ninterface pick { pick: func(n: u32) -> list<u32>; }\n",
  "src/main.ts": `import { subscribeDuration } from "wasi:clocks/monotonic-clock@0.2.12";
import { getArguments } from "wasi:cli/environment@0.2.12";
import { pick } from "s:s/pick@0.1.0";
import { set } from "loop:slots/slots@0.1.0";
import { recent } from "loop:slots/changes@0.1.0";

const picked = () => [...pick(10)].join();
const name = (path: string) => path.split("/").at(-1);
const told = () => recent().map(({ slot, fillings, failed }) => \`\${slot} \${fillings.map(name)} \${failed ?? "well"}\`);

export const run = {
  run(): void {
    const [, ...wanted] = getArguments();
    if (wanted.length > 0) {
      console.log("before", picked(), told().length);
      set("picks", wanted, []);
      console.log("after", picked(), told().join("; "), told().length);
      return;
    }
    for (let i = 0; i < 3000; i++) {
      console.log(picked());
      subscribeDuration(10_000_000n).block();
    }
  },
};
`,
};

beforeAll(async () => {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(join(work, path, ".."), { recursive: true });
    writeFileSync(join(work, path), text);
  }
  const tools = await wasmTools();
  for (const [at, name] of ["a", "b", "c"].entries())
    writeFileSync(join(work, `${name}.wasm`), await tools.parse(picker(at + 1)));
  writeFileSync(join(work, "trapping.wasm"), await tools.parse(trapping));
  expect((await loop("build")).said).toBe("");
}, 120_000);

/** It fits, and does not start. */
const trapping = picker(1).replace("(core module $m", "(core module $m (func $s unreachable) (start $s)");

test("another terminal adds fillings, takes them away and changes their order, and no call is lost", async () => {
  await loop("slot", "reset", "picks");
  const app = spawn("run");
  try {
    const [out, said] = [new Said(app.stdout), new Said(app.stderr)];
    await out.until(/^11$/m);
    const fill = async (...names: string[]) => {
      const from = [out.text.length, said.text.length] as const;
      expect((await loop("slot", "set", "picks", ...names.map((name) => `${name}.wasm`))).code).toBe(0);
      return from;
    };
    await fill("a", "b", "c");
    await out.until(/^11,12,13$/m);
    await said.until(
      /picks is filled by .*a\.wasm, .*b\.wasm, .*c\.wasm now \(.*added .*b\.wasm, added .*c\.wasm\)/,
    );
    await fill("c", "a");
    await out.until(/^13,11$/m);
    await said.until(/picks is filled by .*c\.wasm, .*a\.wasm now \(.*removed .*b\.wasm\)/);

    // One that does not start leaves the row as it was.
    const [heard, spoken] = await fill("c", "a", "trapping");
    await said.until(/picks was not swapped[\s\S]*LK0304[\s\S]*instantiate/, spoken);
    await out.until(/\n13,11\n/, heard);
    await loop("slot", "reset", "picks");
    await out.until(/\n11\n/, heard);
    for (const line of out.text.trim().split("\n").slice(0, -1))
      expect(["11", "11,12,13", "13,11"]).toContain(line);
  } finally {
    app.kill();
    await app.exited;
  }
}, 120_000);

test("an application that was granted loop:slots fills its own slot, sees it at the next call, and is told", async () => {
  await loop("slot", "reset", "picks");
  const { out, code } = await loop("run", "--allow=loop:slots", "--", "b.wasm");
  expect([out, code]).toEqual(["before 11 0\nafter 12 picks b.wasm well 0\n", 0]);
  const more = await loop("run", "--allow=loop:slots", "--", "a.wasm", "c.wasm");
  expect(more.out).toBe("before 12 0\nafter 11,13 picks a.wasm,c.wasm well 0\n");
  // What is not taken over is told, with what goes on.
  const failing = await loop("run", "--allow=loop:slots", "--", "trapping.wasm", "c.wasm");
  expect(failing.out).toMatch(/^before 11,13 0\nafter 11,13 picks a\.wasm,c\.wasm .*trapped.* 0\n$/);
}, 60_000);

test("without the grant it fills nothing, and is told nothing", async () => {
  await loop("slot", "reset", "picks");
  const { said, code } = await loop("run", "--", "b.wasm");
  expect([code, said.includes("loop:slots")]).toEqual([1, true]);
  expect((await loop("slot", "show", "picks")).out).toContain("a.wasm");
}, 60_000);

test("two terminals that choose at the same instant leave what was chosen last, and what is remembered is what runs", async () => {
  await loop("slot", "reset", "picks");
  const app = spawn("run");
  try {
    const out = new Said(app.stdout);
    await out.until(/^11$/m);
    const sums: Readonly<Record<string, string>> = { a: "11", b: "12", c: "13" };
    for (const [one, other] of [
      ["b", "c"],
      ["a", "b"],
      ["c", "a"],
    ] as const) {
      const both = await Promise.all([
        loop("slot", "set", "picks", `${one}.wasm`, `${other}.wasm`),
        loop("slot", "set", "picks", `${other}.wasm`),
      ]);
      expect(both.map(({ code }) => code)).toEqual([0, 0]);
      const { fillings } = JSON.parse((await loop("--json", "slot", "show", "picks")).out) as {
        fillings: readonly string[];
      };
      const wanted = fillings.map((path) => sums[path.at(-"?.wasm".length)!]).join();
      expect([`${sums[one]},${sums[other]}`, sums[other]!]).toContain(wanted);
      await out.until(new RegExp(`\n${wanted}\n(.*\n)*${wanted}\n$`), out.text.length);
      expect(out.text.trim().split("\n").at(-1)).toBe(wanted);
    }
  } finally {
    app.kill();
    await app.exited;
  }
}, 120_000);

test("a slot of all that nothing fills answers with nothing, and hears who fills it while it is used", async () => {
  const plugins = files["loop.toml"]!.replace('default = "./a.wasm"', 'policy = "plugin"');
  writeFileSync(join(work, "loop.toml"), plugins);
  await loop("slot", "reset", "picks");
  await loop("build");
  const app = spawn("run");
  try {
    const [out, said] = [new Said(app.stdout), new Said(app.stderr)];
    await out.until(/^\n\n/);
    expect((await loop("slot", "set", "picks", "b.wasm")).code).toBe(0);
    await out.until(/^12$/m);
    await said.until(/picks is filled by .*b\.wasm now/);
    // Somebody has to answer in a slot of first.
    writeFileSync(join(work, "loop.toml"), plugins.replace('"all"', '"first"'));
    await loop("slot", "reset", "picks");
    expect((await loop("run")).said).toContain("LK0407");
  } finally {
    app.kill();
    await app.exited;
    writeFileSync(join(work, "loop.toml"), files["loop.toml"]!);
  }
}, 60_000);
