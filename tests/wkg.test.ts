// Components exchanged with the wkg command itself, both ways, where it is installed (cargo install wkg), over Debian's
// docker-registry and a folder. Its formats are tried everywhere in src/resolve.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type RunningRegistry, startRegistry } from "../src/resolve/oci/fixture.ts";
import { ended, homeFor, loopWords, root } from "./home.ts";

const command = Bun.which("wkg");
const home = homeFor("wkg", { PATH: process.env.PATH! });
const work = join(home.folder, "work");

const run = async (words: readonly string[], cwd = work) => {
  const { out, said, code } = await ended(home.start(words, { cwd }));
  if (code !== 0) throw new Error(`${words.slice(0, 3).join(" ")} ended with ${code}: ${out}${said}`);
  return out;
};
const loop = (...words: string[]) => run([...loopWords, ...words]);
const wkg = (...words: string[]) => run([command!, ...words]);
const answer = (identifier: string) => loop("run", identifier, "--invoke", "answer()");

/** One file for both. */
const config = join(home.folder, "config/wasm-pkg/config.toml");
const settings = (host: string): string => {
  const metadata = `{ preferredProtocol = "oci", oci = { registry = "${host}", namespacePrefix = "packages/" } }`;
  return [
    'default_registry = "folder"',
    `[namespace_registries]\nacme = { registry = "lab", metadata = ${metadata} }`,
    `[registry.lab.oci]\nprotocol = "http"`,
    `[registry."${host}".oci]\nprotocol = "http"`,
    `[registry.folder.local]\nroot = ${JSON.stringify(join(home.folder, "folder"))}`,
    "",
  ].join("\n");
};
mkdirSync(join(home.folder, "config/wasm-pkg"), { recursive: true });

/**
 * wkg 0.16.1 looks for a version in every component, though --package names one; the WIT of a component that
 * wit-component decodes is of the package `root:component`, which has none (mended after it, wasm-pkg-tools 250).
 */
const publishesComponents = (): boolean => {
  if (!command) return false;
  writeFileSync(config, settings("127.0.0.1:9"));
  const file = join(root, "build/stage/commands/shell.wasm");
  const words = [command, "publish", file, "--package", "near:shell@1.0.0", "--dry-run"];
  return Bun.spawnSync(words, { env: home.env, stdout: "ignore", stderr: "ignore" }).exitCode === 0;
};
const publishes = publishesComponents();

let registry: RunningRegistry;
let bytes: Uint8Array;

beforeAll(async () => {
  if (!command) return;
  registry = await startRegistry(join(home.folder, "registry"));
  const project = join(work, "tool");
  mkdirSync(join(project, "src"), { recursive: true });
  mkdirSync(join(project, "wit"));
  writeFileSync(
    join(project, "loop.toml"),
    '[component]\nname = "tool"\nversion = "1.2.0"\nlanguage = "wat"\n',
  );
  writeFileSync(
    join(project, "wit/world.wit"),
    "package acme:tool@1.2.0;\n\nworld tool {\n  export answer: func() -> u32;\n}\n",
  );
  writeFileSync(
    join(project, "src/main.wat"),
    '(module (func (export "answer") (result i32) i32.const 42) (memory (export "memory") 1))\n',
  );
  writeFileSync(join(work, "loop.toml"), "[workspace]\nmembers = []\n");
  writeFileSync(config, settings(registry.host));
  await run([...loopWords, "build"], project);
  bytes = readFileSync(join(project, "build/tool.wasm"));
}, 60_000);
afterAll(() => registry?.stop(), 60_000);

test.skipIf(!command)(
  "wkg gets what loop published, by reference and by name, byte for byte",
  async () => {
    await loop("publish", `oci://${registry.host}/acme/plain:1.2.0`, "tool/build/tool.wasm");
    await wkg(
      "oci",
      "pull",
      `${registry.host}/acme/plain:1.2.0`,
      "--insecure",
      registry.host,
      "-o",
      "pulled.wasm",
    );
    expect(readFileSync(join(work, "pulled.wasm")).equals(bytes)).toBe(true);
    await loop("publish", "acme:tool@1.2.0", "tool/build/tool.wasm");
    await wkg("get", "acme:tool@1.2.0", "--format", "wasm", "-o", "./got.wasm");
    expect(readFileSync(join(work, "got.wasm")).equals(bytes)).toBe(true);
  },
  60_000,
);

test.skipIf(!command)(
  "wkg gets what loop signed, and loop knows who signed it",
  async () => {
    await loop("key", "new", "alice", "--no-passphrase");
    await loop("publish", "acme:signed@1.0.0", "tool/build/tool.wasm", "--sign", "alice");
    await wkg("get", "acme:signed@1.0.0", "--format", "wasm", "-o", "./signed.wasm");
    await loop("trust", "add", (await loop("key", "export", "alice")).trim(), "--name", "alice");
    const { signers } = JSON.parse(await loop("verify", "signed.wasm", "--json"));
    expect(signers.length).toBe(1);
  },
  60_000,
);

test.skipIf(!command)(
  "loop runs what wkg pushed, by reference",
  async () => {
    await wkg(
      "oci",
      "push",
      `${registry.host}/acme/pushed:1`,
      "tool/build/tool.wasm",
      "--insecure",
      registry.host,
    );
    expect(await answer(`oci://${registry.host}/acme/pushed:1`)).toBe("42\n");
  },
  60_000,
);

test.skipIf(!publishes)(
  "loop runs what wkg published as a package, by range",
  async () => {
    const words = ["tool/build/tool.wasm", "--package"];
    await wkg("publish", ...words, "acme:theirs@1.0.0");
    await wkg("publish", ...words, "acme:theirs@1.1.0");
    expect(await answer("acme:theirs@^1")).toBe("42\n");
    const lock = readFileSync(join(work, "loop.lock"), "utf8");
    expect(lock).toContain('package = "acme:theirs@1.1.0"');
  },
  60_000,
);

test.skipIf(!command)(
  "a WIT package whose version stands in it is published by wkg without being named",
  async () => {
    await wkg("wit", "build", "--wit-dir", "tool/wit", "-o", "package.wasm");
    await wkg("publish", "package.wasm", "--skip-dupes");
    const { exports } = JSON.parse(
      await loop("info", `oci://${registry.host}/packages/acme/tool:1.2.0`, "--json"),
    );
    expect(exports).toEqual(["answer"]);
  },
  60_000,
);

test.skipIf(!command)(
  "a folder of packages is a registry for both",
  async () => {
    mkdirSync(join(home.folder, "folder/near/tool"), { recursive: true });
    writeFileSync(join(home.folder, "folder/near/tool/1.0.0.wasm"), bytes);
    expect(await answer("near:tool@^1")).toBe("42\n");
    await wkg("get", "near:tool@1.0.0", "--format", "wasm", "-o", "./near.wasm");
    expect(readFileSync(join(work, "near.wasm")).equals(bytes)).toBe(true);
  },
  60_000,
);
