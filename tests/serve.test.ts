// loop serve through the front door: it says where it serves, answers, and ends in order when it is interrupted.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { cpSync, mkdtempSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const root = join(import.meta.dir, "..");
const temporary = realpathSync(mkdtempSync(join(tmpdir(), "loop-serve-")));
const project = join(temporary, "hello");

const loop = (...words: string[]) =>
  Bun.spawn([process.execPath, join(root, "src/main.ts"), ...words], {
    cwd: project,
    env: {
      PATH: "/usr/bin:/bin",
      HOME: temporary,
      XDG_DATA_HOME: join(temporary, "data"),
      XDG_CACHE_HOME: join(temporary, "cache"),
    },
    stdout: "ignore",
    stderr: "pipe",
  });

beforeAll(async () => {
  cpSync(join(root, "benchmarks/http"), project, { recursive: true });
  expect(await loop("build").exited).toBe(0);
}, 120_000);
afterAll(() => rmSync(temporary, { recursive: true, force: true }));

test.each([[[]], [["--per-request"]]])(
  "a server with %p answers until it is interrupted",
  async (flags) => {
    const server = loop("serve", "--addr", "127.0.0.1:0", ...flags);
    const reader = server.stderr.getReader();
    let said = "";
    while (!said.includes("\n")) {
      const { value, done } = await reader.read();
      if (done) throw new Error(`It ended before it served: ${said}`);
      said += new TextDecoder().decode(value);
    }
    const url = /^Serving .*hello-http\.wasm at (http:\/\/127\.0\.0\.1:\d+\/)\n$/.exec(said)?.[1] ?? said;
    for (let turn = 0; turn < 3; turn++) expect(await (await fetch(url)).text()).toBe("Hello, world\n");
    server.kill("SIGINT");
    expect(await server.exited).toBe(0);
  },
  30_000,
);

test.each([
  [["serve", "--addr", "nowhere"], "LK0004"],
  [["serve", "--addr", "192.0.2.1:80"], "LK0009"],
  [["serve", "--allow-net", "a b"], "LK0702"],
  [["run"], "loop serve"],
])(
  "%p is refused with %p",
  async (words, expected) => {
    const refused = loop(...words);
    expect(await new Response(refused.stderr).text()).toContain(expected);
    expect(await refused.exited).toBe(1);
  },
  30_000,
);
