import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { digestOf } from "../base/digest.ts";
import { faultOf } from "../base/fixture.ts";
import { parseIdentifier } from "./identifier.ts";
import { artifactOf, type Misbehaviour, serveArtifact } from "./oci/fixture.ts";
import { packageFetcher } from "./package.ts";
import { settingsPath } from "./settings.ts";
import { Store } from "./store/store.ts";

const tiny = Buffer.from([0, 0x61, 0x73, 0x6d, 0x0d, 0, 1, 0, 0, 2, 1, 0x78]);
let folder = "";
const before = { ...process.env };
const stops: (() => Promise<void>)[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "loop-package-"));
  process.env.HOME = folder;
  process.env.XDG_CONFIG_HOME = join(folder, "config");
});
afterEach(async () => {
  for (const name of Object.keys(process.env)) if (!(name in before)) delete process.env[name];
  Object.assign(process.env, before);
  for (const stop of stops.splice(0)) await stop();
  rmSync(folder, { recursive: true, force: true });
});

const settings = (text: string) => {
  mkdirSync(dirname(settingsPath(process.env)), { recursive: true });
  writeFileSync(settingsPath(process.env), text);
};
const serve = (answer: Misbehaviour) => {
  const server = serveArtifact(artifactOf(tiny), answer);
  stops.push(server.stop);
  return server;
};
const fetched = (text: string) =>
  packageFetcher.fetch(parseIdentifier(text), { folder, store: new Store(join(folder, "store")) });
const faultFor = (text: string) => faultOf(fetched(text));

const tags = ["1.0.0", "1.2.0", "1.10.0", "latest", "2.0.0-rc.1"];
/** A registry that says where its artifacts are, and lists tags over two pages. */
const registry = (metadata: object | undefined) =>
  serve((_, url) => {
    if (url.pathname === "/.well-known/wasm-pkg/registry.json")
      return metadata ? Response.json(metadata) : new Response("", { status: 404 });
    if (!url.pathname.endsWith("/tags/list")) return undefined;
    const second = url.searchParams.has("last");
    return Response.json(
      { name: "x", tags: second ? tags.slice(2) : tags.slice(0, 2) },
      second ? {} : { headers: { link: `<${url.pathname}?last=1.2.0&n=2>; rel="next"` } },
    );
  });

test("the registry that the settings name says where its artifacts are, and the newest tag that fits is taken", async () => {
  const store = registry(undefined);
  for (const metadata of [
    { preferredProtocol: "oci", oci: { registry: store.host, namespacePrefix: "lab/" } },
    { oci: { registry: store.host, namespacePrefix: "lab/" } },
    { ociRegistry: store.host, ociNamespacePrefix: "lab/" },
  ]) {
    const named = registry(metadata);
    settings(`default_registry = "${named.host}"\n`);
    const { locator } = await fetched("acme:tool@^1");
    expect(locator.package).toBe("acme:tool@1.10.0");
    expect(store.paths()).toContain("/v2/lab/acme/tool/manifests/1.10.0");
  }
});

test("a registry without metadata keeps artifacts at its own address", async () => {
  const named = registry(undefined);
  settings(`[namespace_registries]\nacme = "${named.host}"\n`);
  expect((await fetched("acme:tool")).locator.package).toBe("acme:tool@1.10.0");
  expect(named.paths()).toContain("/v2/acme/tool/manifests/1.10.0");
});

test("the most exact setting counts: package, namespace, default", async () => {
  const [one, two, three] = [registry(undefined), registry(undefined), registry(undefined)];
  settings(
    [
      `default_registry = "${three.host}"`,
      `[namespace_registries]\nacme = "${two.host}"`,
      `[package_registry_overrides]\n"acme:tool" = { registry = "x", metadata = { oci = { registry = "${one.host}" } } }`,
    ].join("\n"),
  );
  for (const name of ["acme:tool", "acme:other", "else:tool"]) await fetched(`${name}@1.2.0`);
  expect(one.paths()).toContain("/v2/acme/tool/manifests/1.2.0");
  expect(two.paths()).toContain("/v2/acme/other/manifests/1.2.0");
  expect(three.paths()).toContain("/v2/else/tool/manifests/1.2.0");
  // One version is asked for by its name: no list is needed.
  expect([one, two, three].flatMap((server) => server.paths()).some((path) => path.includes("tags"))).toBe(
    false,
  );
});

test("a namespace that nobody keeps, a protocol that is not OCI and a version that is none are told apart", async () => {
  settings("");
  const nobody = await faultFor("acme:tool");
  expect(nobody.code).toBe("LK0119");
  expect(nobody.hint).toContain(settingsPath(process.env));
  // Neither is what every object of JavaScript has.
  expect((await faultFor("constructor:tool")).code).toBe("LK0119");
  const local = registry({ preferredProtocol: "local", local: { root: "/x" } });
  settings(`default_registry = "${local.host}"\n`);
  expect((await faultFor("acme:tool")).code).toBe("LK0119");
  const right = registry(undefined);
  settings(`default_registry = "${right.host}"\n`);
  const none = await faultFor("acme:tool@^3");
  expect(none.code).toBe("LK0118");
  expect(none.message).toContain("there are 2.0.0-rc.1, 1.10.0, 1.2.0, 1.0.0");
  expect((await faultFor("acme:tool@1.2.0+build")).code).toBe("LK0102");
  expect((await faultFor("acme:tool@next")).code).toBe("LK0102");
  settings('default_registry = "http://x/../y"\n');
  expect((await faultFor("acme:tool")).code).toBe("LK0121");
});

test("a list of tags without end is left, and a next page of another host is not asked for", async () => {
  const endless = serve((_, url) =>
    url.pathname.endsWith("/tags/list")
      ? Response.json({ tags: [] }, { headers: { link: `<${url.pathname}?again>; rel="next"` } })
      : url.pathname.startsWith("/.well")
        ? new Response("", { status: 404 })
        : undefined,
  );
  settings(`default_registry = "${endless.host}"\n`);
  expect((await faultFor("acme:tool")).code).toBe("LK0204");
  const astray = serve((_, url) =>
    url.pathname.endsWith("/tags/list")
      ? Response.json({ tags: ["1.0.0"] }, { headers: { link: '<http://other.example/v2/x>; rel="next"' } })
      : url.pathname.startsWith("/.well")
        ? new Response("", { status: 404 })
        : undefined,
  );
  settings(`default_registry = "${astray.host}"\n`);
  expect((await fetched("acme:tool")).locator.package).toBe("acme:tool@1.0.0");
}, 20_000);

test("a registry that is a folder gives the newest file that fits, and a version that it has not is told of", async () => {
  const root = join(folder, "packages");
  const package_ = join(root, "acme/tool");
  mkdirSync(package_, { recursive: true });
  for (const name of ["1.0.0.wasm", "1.2.0.wasm", "2.0.0-rc.1.wasm", "latest.wasm", "1.9.0.txt"])
    writeFileSync(join(package_, name), tiny);
  settings(`default_registry = "here"\n[registry.here.local]\nroot = ${JSON.stringify(root)}\n`);
  const { locator } = await fetched("acme:tool@^1");
  expect(locator).toEqual({
    identifier: "acme:tool@^1",
    scheme: "package",
    place: pathToFileURL(join(package_, "1.2.0.wasm")).href,
    digest: digestOf(tiny),
    package: "acme:tool@1.2.0",
  });
  const { code, message } = await faultFor("acme:tool@^3");
  expect([code, message]).toEqual([
    "LK0118",
    "acme:tool has no version in ^3; there are 2.0.0-rc.1, 1.2.0, 1.0.0",
  ]);
  expect((await faultFor("acme:other")).message).toBe("acme:other has no version in *; it has none at all");
  // What is locked stays what it is, whatever came since.
  const pin = { digest: digestOf(tiny), package: "acme:tool@1.0.0" };
  const locked = await packageFetcher.fetch(parseIdentifier("acme:tool@^1"), { folder, pin });
  expect(locked.locator.package).toBe("acme:tool@1.0.0");
});

test("only where the settings say so is a registry a folder: its own metadata cannot make it one", async () => {
  const remote = registry({ preferredProtocol: "local", local: { root: folder } });
  settings(`default_registry = "${remote.host}"\n`);
  expect((await faultFor("acme:tool")).code).toBe("LK0119");
  // With both, what `default` names counts.
  const both = `[registry."${remote.host}".oci]\nprotocol = "http"\n[registry."${remote.host}".local]\nroot = "x"\n`;
  settings(`default_registry = "${remote.host}"\n${both}`);
  expect((await faultFor("acme:tool")).code).toBe("LK0119");
  settings(
    `default_registry = "${remote.host}"\n[registry."${remote.host}"]\ndefault = "local"\n${both.replace(/^.*?"http"\n/s, "")}`,
  );
  expect((await faultFor("acme:tool")).code).toBe("LK0118");
  settings(`default_registry = "here"\n[registry.here.local]\nroot = 1\n`);
  expect((await faultFor("acme:tool")).code).toBe("LK0121");
});

test("what the settings say of a registry's name holds for the host of its artifacts", async () => {
  const artifacts = serve((request) =>
    request.headers.get("authorization") === `Basic ${btoa("alice:secret")}`
      ? undefined
      : new Response("", { status: 401, headers: { "www-authenticate": 'Basic realm="x"' } }),
  );
  const metadata = `{ preferredProtocol = "oci", oci = { registry = "${artifacts.host}" } }`;
  settings(
    [
      `[namespace_registries]\nacme = { registry = "lab", metadata = ${metadata} }\n`,
      '[registry.lab.oci]\nauth = { username = "alice", password = "secret" }\n',
    ].join(""),
  );
  expect((await fetched("acme:tool@1.2.0")).locator.package).toBe("acme:tool@1.2.0");
});
