import { expect, test } from "bun:test";
import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { inTemporaryFolder } from "../../src/base/temporary.ts";
import { wasmTools } from "../../src/contract/tools.ts";
import { root } from "../carried.ts";

// The runner is held to programs of our own: it must see what fails as well as what passes.

/** Writes "hi\n", reads what there is to read, makes the folder "made" in the first preopen, and exits with `code`. */
const program = (code: number) => `(module
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_create_directory" (func $make (param i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "\\20\\00\\00\\00\\03\\00\\00\\00")
  (data (i32.const 32) "hi\\0a")
  (data (i32.const 40) "made")
  (func (export "_start")
    (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))
    (drop (call $make (i32.const 3) (i32.const 40) (i32.const 4)))
    (call $exit (i32.const ${code}))))`;

const suite = async (folder: string, ...words: string[]) => {
  const child = Bun.spawn(
    [
      process.execPath,
      join(root, "scripts/suite.ts"),
      "--loop",
      `${process.execPath} ${join(root, "src/main.ts")}`,
      ...words,
      folder,
    ],
    { stdout: "pipe", stderr: "pipe" },
  );
  const text = await new Response(child.stdout).text();
  return { lines: text.trim().split("\n"), exitCode: await child.exited };
};

test("what passes, fails and is left out is told apart, and nothing is left in the suite's folder", async () => {
  await inTemporaryFolder("loop-own-suite-", async (folder) => {
    const tools = await wasmTools();
    const add = async (name: string, code: number, spec?: object) => {
      writeFileSync(join(folder, `${name}.wasm`), await tools.parse(program(code)));
      if (spec) writeFileSync(join(folder, `${name}.json`), JSON.stringify(spec));
    };
    mkdirSync(join(folder, "tree.dir"));
    await add("a-plain", 0);
    await add("b-code", 3, { exit_code: 3, stdout: "hi\n", root: "tree.dir" });
    await add("c-wrong-code", 4, { exit_code: 3 });
    await add("d-wrong-text", 0, {
      operations: [{ type: "run" }, { type: "read", id: "stdout", payload: "ho\n" }, { type: "wait" }],
    });
    await add("e-left-out", 0);
    await add("f-unknown", 0, { operations: [{ type: "dance" }] });
    const { lines, exitCode } = await suite(folder, "--skip", "e-left-out=not today");
    expect(exitCode).toBe(1);
    expect(lines.at(-1)).toBe("2 passed, 3 failed, 1 skipped");
    const said = (name: string) =>
      lines.find((line) => line.includes(`/${name}.wasm: `))?.split(".wasm: ")[1];
    expect(said("c-wrong-code")).toBe("exit code 4, and 3 is right");
    expect(said("d-wrong-text")).toBe('stdout: "hi\\n", and "ho\\n" is right');
    expect(said("e-left-out")).toBe("not today");
    expect(said("f-unknown")).toContain('"dance"');
    expect(readdirSync(join(folder, "tree.dir"))).toEqual([]);
  });
}, 60_000);

test("a folder that is not there is a mistake of whoever asked", async () => {
  expect((await suite("/no/such/folder")).exitCode).toBe(2);
});
