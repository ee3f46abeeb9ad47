// Registries whose certificate an internal authority gave: refused, until wasm-pkg's config.toml names that authority.
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { Fault } from "../../base/fault.ts";
import { parseIdentifier } from "../identifier.ts";
import { settingsPath } from "../settings.ts";
import { Store } from "../store/store.ts";
import { artifactOf, rightAnswer } from "./fixture.ts";
import { ociFetcher } from "./pull.ts";

const file = (name: string) =>
  readFileSync(join(import.meta.dir, "../../../tests/fixtures/tls", name), "utf8");
const tiny = Buffer.from([0, 0x61, 0x73, 0x6d, 0x0d, 0, 1, 0, 0, 2, 1, 0x78]);
const artifact = artifactOf(tiny);
const before = { ...process.env };
let folder = "";
let server: ReturnType<typeof Bun.serve>;
/** Another address of the same registry, which leads to the first. */
let leading: ReturnType<typeof Bun.serve>;
beforeAll(() => {
  const tls = { cert: file("server.pem"), key: file("server.key") };
  const here = { hostname: "127.0.0.1", port: 0, tls };
  server = Bun.serve({ ...here, fetch: (request) => rightAnswer(artifact, request, new URL(request.url)) });
  leading = Bun.serve({
    ...here,
    fetch: ({ url }) =>
      new Response("", {
        status: 307,
        headers: { location: `https://localhost:${server.port}${new URL(url).pathname}` },
      }),
  });
});
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "loop-tls-"));
  process.env.HOME = folder;
  process.env.XDG_CONFIG_HOME = join(folder, "config");
});
afterEach(() => {
  for (const name of Object.keys(process.env)) if (!(name in before)) delete process.env[name];
  Object.assign(process.env, before);
  rmSync(folder, { recursive: true, force: true });
});
afterAll(async () => {
  await server.stop(true);
  await leading.stop(true);
});

const hostOf = ({ port }: { port?: number | undefined }) => `localhost:${port}`;
const settings = (host: string, lines: readonly string[]) => {
  const path = settingsPath(process.env);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, [`[registry."${host}".oci]`, 'protocol = "https"', ...lines, ""].join("\n"));
};
const root = () => `extra_root_certificates = [{ encoding = "pem", data = """\n${file("root.pem")}""" }]`;
const pulled = async (host: string): Promise<string> => {
  const store = new Store(join(folder, "store"));
  try {
    const { locator } = await ociFetcher.fetch(parseIdentifier(`oci://${host}/acme/tool:1`), {
      folder,
      store,
    });
    return locator.digest;
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    if (error.code === "LK0109") expect(error.hint).toContain("extra_root_certificates");
    return error.code;
  }
};

test("a certificate of an authority that nobody named is refused", async () => {
  settings(hostOf(server), []);
  expect(await pulled(hostOf(server))).toBe("LK0109");
});

test("one of an authority that the settings name is taken, of that registry alone", async () => {
  settings(hostOf(server), [root()]);
  expect(await pulled(hostOf(server))).toBe(artifact.layer.digest);
  settings(hostOf(server), ['[registry."other.example".oci]', root()]);
  expect(await pulled(hostOf(server))).toBe("LK0109");
});

test("what a registry leads to is recognised by the same authorities", async () => {
  settings(hostOf(leading), [root()]);
  expect(await pulled(hostOf(leading))).toBe(artifact.layer.digest);
});

test("where any certificate is taken, it is taken from that registry and not from what it leads to", async () => {
  settings(hostOf(server), ["accept_invalid_certificates = true"]);
  expect(await pulled(hostOf(server))).toBe(artifact.layer.digest);
  settings(hostOf(leading), ["accept_invalid_certificates = true"]);
  expect(await pulled(hostOf(leading))).toBe("LK0109");
});

test("what is no certificate in the settings is told, without what it is", async () => {
  for (const line of [
    'extra_root_certificates = "x"',
    'extra_root_certificates = [{ encoding = "pem", data = "x" }]',
    'extra_root_certificates = [{ encoding = "other", data = "x" }]',
    'accept_invalid_certificates = "yes"',
  ]) {
    settings(hostOf(server), [line]);
    expect(await pulled(hostOf(server))).toBe("LK0121");
  }
});
