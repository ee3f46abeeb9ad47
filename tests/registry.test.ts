// Publishing and fetching through the front door, against Debian's docker-registry: what one person publishes another
// brings in, pins, copies into their workspace, and then needs no network for.
import { afterAll, beforeAll, expect, test } from "bun:test";
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { limits } from "../src/base/limits.ts";
import { manifestType } from "../src/resolve/oci/artifact.ts";
import {
  artifactOf,
  type RunningRegistry,
  serveArtifact,
  startRegistry,
} from "../src/resolve/oci/fixture.ts";
import { ended, homeFor, loopWords, root } from "./home.ts";

const home = homeFor("registry", { PATH: process.env.PATH! });
const project = join(home.folder, "tool");
const loop = (who: string, cwd: string, ...words: string[]) => home.person(who).loop(cwd, ...words);

let registry: RunningRegistry;
let target = "";

beforeAll(async () => {
  registry = await startRegistry(join(home.folder, "registry"));
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
}, 60_000);
afterAll(() => registry.stop(), 60_000);

test("what is built here is published with its world, its wishes, its README and its source", async () => {
  const { out, said, code } = await loop("alice", project, "publish", target, "--source", "--json");
  expect(said).toBe("");
  expect(code).toBe(0);
  const { tag, source, existed, manifest } = JSON.parse(out);
  expect({ tag, existed }).toEqual({ tag: "1.2.0", existed: false });
  expect(source).toMatch(/^sha256:/);
  const info = JSON.parse((await loop("bob", home.folder, "info", `${target}:1.2.0`, "--json")).out);
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
  expect((await loop("bob", home.folder, "info", `${target}:1.2.0`, "--docs")).out).toBe(
    "# Tool\n\nIt answers.\n",
  );
}, 60_000);

test("the source that refers to it holds the project's files, and not what is made of them", async () => {
  const info = JSON.parse((await loop("bob", home.folder, "info", `${target}:1.2.0`, "--json")).out);
  const [, digest] = info.source.split("@");
  const base = `http://${registry.host}/v2/acme/tool`;
  const manifest = await (
    await fetch(`${base}/manifests/${digest}`, { headers: { accept: manifestType } })
  ).json();
  expect(manifest.subject.digest).toBe(info.manifest);
  const archive = join(home.folder, "source.tar.gz");
  await Bun.write(archive, await (await fetch(`${base}/blobs/${manifest.layers[0].digest}`)).arrayBuffer());
  const listed = await ended(home.start(["tar", "-tzf", archive]));
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
  const folder = join(home.folder, "empty");
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
    const folder = join(home.folder, who, "config/wasm-pkg");
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
  const folder = join(home.folder, "user");
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

test("a workspace brings in what its members name, also those in another repository's checkout", async () => {
  const workspace = join(home.folder, "poly/here");
  const other = join(home.folder, "poly/there/tool");
  for (const folder of [join(workspace, "parts/one"), other, join(other, "build")])
    mkdirSync(folder, { recursive: true });
  writeFileSync(
    join(workspace, "loop.toml"),
    '[workspace]\nmembers = ["parts/*", "../there/tool"]\n\n[dependencies]\n"acme:near" = "../there/tool/build/tool.wasm"\n',
  );
  writeFileSync(join(workspace, "parts/one/loop.toml"), `[dependencies]\n"acme:tool" = "${target}:1.2.0"\n`);
  writeFileSync(
    join(other, "loop.toml"),
    `[slots."acme:answer"]\ncontract = "a:b/c@0.1.0"\ndefault = "${target}:1.3.0-rc.1"\n`,
  );
  cpSync(join(project, "build/tool.wasm"), join(other, "build/tool.wasm"));
  const { supplies, lock } = JSON.parse((await loop("gina", workspace, "fetch", "--json")).out);
  expect(supplies.map(({ identifier }: { identifier: string }) => identifier)).toEqual([
    `${target}:1.2.0`,
    `${target}:1.3.0-rc.1`,
  ]);
  expect(lock).toBe(join(workspace, "loop.lock"));
  expect((await loop("gina", workspace, "run", "acme:near", "--invoke", "answer()")).out).toBe("42\n");
  // A member below the workspace has the workspace's lock.
  const inside = await loop(
    "gina",
    join(workspace, "parts/one"),
    "--offline",
    "--locked",
    "run",
    "acme:tool",
    "--invoke",
    "answer()",
  );
  expect(inside.out).toBe("42\n");
  // All of it is copied, and is all that a machine without network and store needs.
  const copied = JSON.parse((await loop("gina", workspace, "vendor", "--json")).out);
  expect(copied.supplies.length).toBe(2);
  const offline = ["--offline", "--locked", "run", `${target}:1.2.0`, "--invoke", "answer()"];
  expect((await loop("gwen", workspace, ...offline)).out).toBe("42\n");
  // Each member is built where it lies; the workspace itself has nothing to build, and says what has.
  expect((await loop("gina", workspace, "build")).said).toContain(
    "hint: loop build FOLDER, of one of its members: parts/*, ../there/tool",
  );
  // What nothing names any more goes with --prune, and not with --locked.
  writeFileSync(join(workspace, "parts/one/loop.toml"), "");
  expect((await loop("gina", workspace, "--locked", "fetch", "--prune")).said).toContain("error[LK0107]");
  const pruned = JSON.parse((await loop("gina", workspace, "fetch", "--prune", "--json")).out);
  expect(pruned.dropped).toEqual([`${target}:1.2.0`]);
}, 60_000);

test("a tag that moves is refused where it is locked, and locked anew when that is asked for", async () => {
  const folder = join(home.folder, "moving");
  mkdirSync(folder, { recursive: true });
  const moving = `oci://${registry.host}/acme/moving:1.0.0`;
  writeFileSync(join(folder, "loop.toml"), `[dependencies]\n"acme:moving" = "${moving}"\n`);
  const built = join(project, "build/tool.wasm");
  await loop("alice", project, "build");
  expect((await loop("alice", project, "publish", moving, built)).code).toBe(0);
  expect((await loop("hugo", folder, "fetch")).code).toBe(0);
  const signed = join(project, "build/tool.signed.wasm");
  expect((await loop("alice", project, "publish", moving, signed, "--force")).code).toBe(0);
  // The manifest that is locked is still there, whoever holds the tag.
  rmSync(join(home.folder, "hugo/cache"), { recursive: true, force: true });
  expect(JSON.parse((await loop("hugo", folder, "fetch", "--json")).out).supplies[0].change).toBe("same");
  const updated = JSON.parse((await loop("hugo", folder, "fetch", "--update", "--json")).out);
  expect(updated.supplies[0].change).toBe("changed");
}, 60_000);

test("help asks no network for what a loop.toml puts into a command's slot", async () => {
  const folder = join(home.folder, "helped");
  mkdirSync(folder, { recursive: true });
  const asked = serveArtifact(artifactOf(readFileSync(join(project, "build/tool.wasm"))));
  const place = `oci://${asked.host}/acme/tool:1`;
  writeFileSync(join(folder, "loop.toml"), `[slots."command:deploy"]\nuse = "${place}"\n`);
  const { out, code } = await loop("lena", folder, "--help");
  await asked.stop();
  expect(code).toBe(0);
  expect(out.replace(/\s+/g, " ")).toMatch(/deploy Not usable: \S*loop\.lock has no entry for/);
  expect(asked.requests).toEqual([]);
  expect(existsSync(join(folder, "loop.lock"))).toBe(false);
}, 30_000);

test("what is locked with a signer is not renewed by what that signer did not sign", async () => {
  const folder = join(home.folder, "renewed");
  mkdirSync(folder, { recursive: true });
  const place = `oci://${registry.host}/acme/renewed:1.0.0`;
  writeFileSync(join(folder, "loop.toml"), `[dependencies]\n"acme:renewed" = "${place}"\n`);
  const signed = join(project, "build/tool.signed.wasm");
  expect((await loop("alice", project, "publish", place, signed)).code).toBe(0);
  const key = (await loop("alice", project, "key", "export", "alice")).out.trim();
  expect((await loop("mona", folder, "trust", "add", key, "--name", "alice")).code).toBe(0);
  expect((await loop("mona", folder, "fetch")).code).toBe(0);
  const lock = readFileSync(join(folder, "loop.lock"), "utf8");
  expect(lock).toContain(`signers = [\n  "${key}",\n]`);
  const plain = join(project, "build/tool.wasm");
  expect((await loop("alice", project, "publish", place, plain, "--force")).code).toBe(0);
  const refused = await loop("mona", folder, "fetch", "--update");
  expect(refused.said).toContain("error[LK0804]");
  expect(readFileSync(join(folder, "loop.lock"), "utf8")).toBe(lock);
}, 60_000);

test("a command's slot is filled by what a registry has", async () => {
  const set = await loop("ivan", home.folder, "slot", "set", "command:deploy", `${target}:1.2.0`);
  expect(set.said).toContain("error[LK0402]");
  const shipped = join(root, "build/stage/commands/shell.wasm");
  const place = `oci://${registry.host}/acme/shell:1.0.0`;
  expect((await loop("ivan", home.folder, "publish", place, shipped)).code).toBe(0);
  expect((await loop("ivan", home.folder, "slot", "set", "command:completions", place)).said).toBe("");
  const help = await loop("ivan", home.folder, "completions", "bash");
  expect(help.out).toContain("complete");
}, 60_000);

test("a fetch that is interrupted leaves nothing half-written, and the next one goes on", async () => {
  const size = 2 * limits.fetchChunkBytes + 100;
  const content = size - 14;
  const large = Buffer.alloc(size, 7);
  large.set([0, 0x61, 0x73, 0x6d, 0x0d, 0, 1, 0, 0]);
  for (let at = 0; at < 5; at++) large[9 + at] = ((content >> (7 * at)) & 0x7f) | (at < 4 ? 0x80 : 0);
  large.set([1, 0x78], 14);
  const ranges: string[] = [];
  let slow = true;
  const server = serveArtifact(artifactOf(large), (request, url) => {
    const range = request.headers.get("range");
    if (!url.pathname.includes("/blobs/") || range === null) return undefined;
    ranges.push(range);
    if (!slow) return undefined;
    const body = new ReadableStream({
      async start(controller) {
        controller.enqueue(large.subarray(0, limits.fetchChunkBytes + 1000));
        await Bun.sleep(60_000);
      },
    });
    return new Response(body, { status: 206, headers: { "content-range": `bytes 0-${size - 1}/${size}` } });
  });
  const folder = join(home.folder, "interrupted");
  mkdirSync(folder);
  writeFileSync(join(folder, "loop.toml"), "[workspace]\nmembers = []\n");
  const identifier = `oci://${server.host}/acme/large:1`;
  const jane = home.person("jane");
  const partials = join(jane.folder, "cache/loop/store/partial");
  const child = jane.spawn(folder, "fetch", identifier);
  const grown = () => {
    const [name] = existsSync(partials) ? readdirSync(partials) : [];
    return name !== undefined && statSync(join(partials, name)).size > size;
  };
  while (!grown()) await Bun.sleep(20);
  child.kill("SIGINT");
  expect(await child.exited).toBe(130);
  expect(existsSync(join(folder, "loop.lock"))).toBe(false);
  expect(existsSync(join(jane.folder, "cache/loop/store/sha256"))).toBe(false);
  slow = false;
  ranges.length = 0;
  const { code } = await jane.loop(folder, "fetch", identifier);
  await server.stop();
  expect(code).toBe(0);
  expect(ranges).toEqual([`bytes=${limits.fetchChunkBytes}-${size - 1}`]);
  expect(readdirSync(partials)).toEqual([]);
}, 60_000);

test("mirrors of a loop.toml are asked first, and the lock says where it is, not where it came from", async () => {
  const folder = join(home.folder, "mirrored");
  mkdirSync(folder, { recursive: true });
  writeFileSync(
    join(folder, "loop.toml"),
    `[registries."gone.example"]\nmirrors = ["127.0.0.1:9", "${registry.host}"]\n`,
  );
  const place = "oci://gone.example/acme/tool:1.2.0";
  expect((await loop("nora", folder, "run", place, "--invoke", "answer()")).out).toBe("42\n");
  expect(readFileSync(join(folder, "loop.lock"), "utf8")).toContain(
    'place = "oci://gone.example/acme/tool@sha256:',
  );
}, 30_000);

test("what a registry has and is no component, or no valid one, is neither stored nor locked", async () => {
  const folder = join(home.folder, "useless");
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "loop.toml"), "[workspace]\nmembers = []\n");
  // A component whose one export is of a function that it does not have.
  const invalid = Buffer.from([0, 0x61, 0x73, 0x6d, 0x0d, 0, 1, 0, 11, 7, 1, 0, 1, 0x61, 1, 5, 0, 0]);
  for (const [bytes, code] of [
    [Buffer.from("<html>"), "LK0201"],
    [invalid, "LK02"],
  ] as const) {
    const server = serveArtifact(artifactOf(bytes));
    const { said } = await loop("olga", folder, "fetch", `oci://${server.host}/acme/useless:1`);
    await server.stop();
    expect(said).toContain(`error[${code}`);
  }
  expect(JSON.parse((await loop("olga", folder, "store", "list", "--json")).out)).toEqual([]);
  expect(existsSync(join(folder, "loop.lock"))).toBe(false);
}, 60_000);

test("what a publisher writes moves no cursor", async () => {
  const docs = join(home.folder, "docs.md");
  writeFileSync(docs, "# Tool\u001b[2J\u0007\n\tIndented\n");
  const place = `oci://${registry.host}/acme/docs:1.0.0`;
  const words = ["publish", place, join(project, "build/tool.wasm"), "--docs", docs];
  expect((await loop("alice", project, ...words)).code).toBe(0);
  expect((await loop("nora", home.folder, "info", place, "--docs")).out).toBe("# Tool·[2J·\n\tIndented\n");
}, 30_000);

test("a proxy of the environment is asked, and plain http is not spoken beyond this machine", async () => {
  const asked: string[] = [];
  const proxy = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch: (request) => {
      asked.push(request.url);
      return new Response(readFileSync(join(project, "build/tool.wasm")));
    },
  });
  const kate = home.person("kate");
  kate.env.HTTP_PROXY = `http://127.0.0.1:${proxy.port}`;
  const words = ["run", "http://registry.example/x.wasm", "--invoke", "answer()"];
  const refused = await kate.loop(home.folder, ...words);
  expect(refused.said).toContain("error[LK0117]");
  expect(asked).toEqual([]);
  const { out } = await kate.loop(home.folder, "--allow-http", ...words);
  await proxy.stop(true);
  expect(out).toBe("42\n");
  expect(asked[0]).toContain("registry.example/x.wasm");
}, 30_000);

test("after fetch and vendor a project's whole test suite runs with the network cut off", async () => {
  const folder = join(home.folder, "suite");
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
  const bin = join(home.folder, "bin");
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
    PATH: `${bin}:/usr/bin:/bin`,
    HTTP_PROXY: "http://127.0.0.1:9",
    HTTPS_PROXY: "http://127.0.0.1:9",
  };
  const unshared = Bun.spawnSync(["unshare", "-rn", "true"], { stderr: "ignore" }).exitCode === 0;
  await registry.stop();
  const cut = unshared ? ["unshare", "-rn"] : [];
  const { out, said } = await ended(
    home.person("frank").start([...cut, "sh", "suite.sh"], { cwd: folder, env }),
  );
  expect(said).toBe("");
  expect(out).toBe("passed\n");
  expect(existsSync(join(home.folder, "frank/cache/loop/store/sha256"))).toBe(false);
}, 90_000);
