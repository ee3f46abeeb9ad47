// Publishing and fetching through the front door, against Debian's docker-registry: what one person publishes another
// brings in, pins, copies into their workspace, and then needs no network for.
import { afterAll, beforeAll, expect, test } from "bun:test";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { manifestType } from "../src/resolve/oci/artifact.ts";
import { type RunningRegistry, startRegistry } from "../src/resolve/oci/fixture.ts";

const root = join(import.meta.dir, "..");
const temporary = realpathSync(mkdtempSync(join(tmpdir(), "loop-registry-")));
const project = join(temporary, "tool");
const loopWords = [process.execPath, join(root, "src/main.ts")];

/** A person with folders of their own. */
const environmentOf = (who: string) => ({
  PATH: process.env.PATH!,
  HOME: join(temporary, who),
  XDG_DATA_HOME: join(temporary, who, "data"),
  XDG_CACHE_HOME: join(temporary, who, "cache"),
  XDG_CONFIG_HOME: join(temporary, who, "config"),
});

const run = async (words: string[], folder: string, env: Record<string, string>) => {
  mkdirSync(env.HOME!, { recursive: true });
  const child = Bun.spawn(words, { cwd: folder, env, stdout: "pipe", stderr: "pipe" });
  const [out, said] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ]);
  return { out, said, code: await child.exited };
};
const loop = (who: string, folder: string, ...words: string[]) =>
  run([...loopWords, ...words], folder, environmentOf(who));

let registry: RunningRegistry;
let target = "";

beforeAll(async () => {
  registry = await startRegistry(join(temporary, "registry"));
  target = `oci://${registry.host}/acme/tool`;
  mkdirSync(join(project, "src"), { recursive: true });
  mkdirSync(join(project, "wit"));
  writeFileSync(
    join(project, "loop.toml"),
    [
      '[component]\nname = "tool"\nversion = "1.2.0"\nlanguage = "wat"\ndescription = "Answers"\n',
      '[capabilities]\n"wasi:cli" = "Needs nothing, in truth"\n',
    ].join("\n"),
  );
  writeFileSync(join(project, "README.md"), "# Tool\n\nIt answers.\n");
  writeFileSync(
    join(project, "wit/world.wit"),
    "package acme:tool;\n\nworld tool {\n  export answer: func() -> u32;\n}\n",
  );
  writeFileSync(
    join(project, "src/main.wat"),
    '(module (func (export "answer") (result i32) i32.const 42) (memory (export "memory") 1))\n',
  );
});
afterAll(async () => {
  await registry.stop();
  rmSync(temporary, { recursive: true, force: true });
});

test("what is built here is published with its world, its wishes, its README and its source", async () => {
  const { out, said, code } = await loop("alice", project, "publish", target, "--source", "--json");
  expect(said).toBe("");
  expect(code).toBe(0);
  const { tag, source, existed, manifest } = JSON.parse(out);
  expect({ tag, existed }).toEqual({ tag: "1.2.0", existed: false });
  expect(source).toMatch(/^sha256:/);
  const info = JSON.parse((await loop("bob", temporary, "info", `${target}:1.2.0`, "--json")).out);
  expect(info.manifest).toBe(manifest);
  expect(info.exports).toEqual(["answer"]);
  expect(info.wants).toEqual({ "wasi:cli": "Needs nothing, in truth" });
  expect(info.needs).toBe("untrusted");
  expect(info.trust).toBe("untrusted");
  expect(info.docs).toBe("# Tool\n\nIt answers.\n");
  expect(info.wit).toContain("export answer: func() -> u32;");
  expect(info.versions).toEqual(["1.2.0"]);
  expect(info.source).toBe(`${target}@${source}`);
  expect(info.annotations["org.opencontainers.image.description"]).toBe("Answers");
  expect((await loop("bob", temporary, "info", `${target}:1.2.0`, "--docs")).out).toBe(
    "# Tool\n\nIt answers.\n",
  );
}, 60_000);

test("the source that refers to it holds the project's files, and not what is made of them", async () => {
  const info = JSON.parse((await loop("bob", temporary, "info", `${target}:1.2.0`, "--json")).out);
  const [, digest] = info.source.split("@");
  const base = `http://${registry.host}/v2/acme/tool`;
  const manifest = await (
    await fetch(`${base}/manifests/${digest}`, { headers: { accept: manifestType } })
  ).json();
  expect(manifest.subject.digest).toBe(info.manifest);
  const archive = join(temporary, "source.tar.gz");
  await Bun.write(archive, await (await fetch(`${base}/blobs/${manifest.layers[0].digest}`)).arrayBuffer());
  const listed = await run(["tar", "-tzf", archive], temporary, environmentOf("bob"));
  expect(listed.said).toBe("");
  expect(listed.out.trim().split("\n")).toEqual(["README.md", "loop.toml", "src/main.wat", "wit/world.wit"]);
}, 60_000);

test("the same bytes are published once; others only under another version or by force", async () => {
  const again = await loop("alice", project, "publish", target);
  expect(again.out).toContain("It is published already, with these very bytes");
  const main = readFileSync(join(project, "src/main.wat"), "utf8");
  writeFileSync(join(project, "src/main.wat"), main.replace("42", "43"));
  const other = await loop("alice", project, "publish", target);
  expect(other.said).toContain("error[LK0124]");
  const next = await loop("alice", project, "publish", `${target}:1.3.0-rc.1`);
  expect(next.code).toBe(0);
  writeFileSync(join(project, "src/main.wat"), main);
}, 60_000);

test("an identifier of a registry runs, and without a network afterwards", async () => {
  const folder = join(temporary, "empty");
  mkdirSync(folder, { recursive: true });
  const words = ["run", `${target}:1.2.0`, "--invoke", "answer()"];
  expect((await loop("carol", folder, ...words)).out).toBe("42\n");
  expect((await loop("carol", folder, "--offline", ...words)).out).toBe("42\n");
  const missing = await loop("carol", folder, "--offline", "run", `${target}:1.3.0-rc.1`);
  expect(missing.said).toContain("error[LK0106]");
  expect(missing.said).toContain(`hint: loop fetch ${target}:1.3.0-rc.1`);
}, 60_000);

test("packages are found through wasm-pkg's config.toml, by range, signed for their name and version", async () => {
  for (const who of ["alice", "dora"]) {
    const folder = join(temporary, who, "config/wasm-pkg");
    mkdirSync(folder, { recursive: true });
    const metadata = `{ preferredProtocol = "oci", oci = { registry = "${registry.host}", namespacePrefix = "packages/" } }`;
    writeFileSync(
      join(folder, "config.toml"),
      `[namespace_registries]\nacme = { registry = "lab", metadata = ${metadata} }\n`,
    );
  }
  expect((await loop("alice", project, "key", "new", "alice", "--no-passphrase")).code).toBe(0);
  const published = await loop("alice", project, "publish", "acme:tool@1.2.0", "--sign", "alice");
  expect(published.said).toBe("");
  const folder = join(temporary, "user");
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "loop.toml"), '[dependencies]\n"acme:tool" = "^1.1"\n');
  expect((await loop("dora", folder, "run", "acme:tool", "--invoke", "answer()")).out).toBe("42\n");
  const lock = readFileSync(join(folder, "loop.lock"), "utf8");
  expect(lock).toContain('[component."acme:tool@^1.1"]\npackage = "acme:tool@1.2.0"');
  const none = await loop("dora", folder, "run", "acme:tool@^2");
  expect(none.said).toContain("acme:tool has no version in ^2; there are 1.2.0");
  // The same signed bytes under another version's tag are not that version.
  const signed = join(project, "build/tool.signed.wasm");
  const swapped = `oci://${registry.host}/packages/acme/tool:1.4.0`;
  expect((await loop("alice", project, "publish", swapped, signed)).code).toBe(0);
  const key = (await loop("alice", project, "key", "export", "alice")).out.trim();
  expect((await loop("dora", folder, "trust", "add", key, "--name", "alice")).code).toBe(0);
  const refused = await loop("dora", folder, "run", "acme:tool@1.4.0");
  expect(refused.code).toBe(1);
  expect(refused.said).toContain("error[LK0803]");
  const info = JSON.parse((await loop("dora", folder, "info", "acme:tool@1.2.0", "--json")).out);
  expect(info).toMatchObject({ package: "acme:tool@1.2.0", trust: "trusted" });
}, 90_000);

test("after fetch and vendor a project's whole test suite runs with the network cut off", async () => {
  const folder = join(temporary, "suite");
  mkdirSync(folder, { recursive: true });
  writeFileSync(
    join(folder, "loop.toml"),
    [
      `[dependencies]\n"acme:tool" = "${target}:1.2.0"\n`,
      `[slots."acme:answer"]\ncontract = "acme:app/answer@0.1.0"\npolicy = "plugin"\nuse = "${target}:1.3.0-rc.1"\n`,
    ].join("\n"),
  );
  // What such a project's tests do: run and look into what it depends on.
  writeFileSync(
    join(folder, "suite.sh"),
    [
      "set -e",
      "test \"$(loop run acme:tool --invoke 'answer()')\" = 42",
      `test "$(loop run ${target}:1.3.0-rc.1 --invoke 'answer()')" = 43`,
      "loop inspect acme:tool --json > /dev/null",
      "loop --locked fetch > /dev/null",
      "loop --offline vendor > /dev/null",
      "echo passed",
    ].join("\n"),
  );
  const bin = join(temporary, "bin");
  mkdirSync(bin, { recursive: true });
  writeFileSync(
    join(bin, "loop"),
    `#!/bin/sh\nexec ${loopWords.map((word) => `'${word}'`).join(" ")} "$@"\n`,
    { mode: 0o755 },
  );
  const fetched = await loop("erin", folder, "fetch", "--json");
  expect(JSON.parse(fetched.out).supplies.map(({ change }: { change: string }) => change)).toEqual([
    "new",
    "new",
  ]);
  expect((await loop("erin", folder, "vendor")).code).toBe(0);
  expect(readdirSync(join(folder, "vendor")).length).toBe(2);
  // Somebody else's machine, with the checkout and nothing besides; no proxy answers, and no network is there where
  // the system lets us take it away.
  const env = {
    ...environmentOf("frank"),
    PATH: `${bin}:/usr/bin:/bin`,
    HTTP_PROXY: "http://127.0.0.1:9",
    HTTPS_PROXY: "http://127.0.0.1:9",
  };
  const unshared = Bun.spawnSync(["unshare", "-rn", "true"], { stderr: "ignore" }).exitCode === 0;
  await registry.stop();
  const cut = unshared ? ["unshare", "-rn"] : [];
  const { out, said } = await run([...cut, "sh", "suite.sh"], folder, env);
  expect(said).toBe("");
  expect(out).toBe("passed\n");
  expect(existsSync(join(temporary, "frank/cache/loop/store/sha256"))).toBe(false);
}, 90_000);
