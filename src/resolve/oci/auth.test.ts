// Who may sign in, and where a secret goes: to its own host and where that says tokens are had, and nowhere else, least
// of all into a message.
import { afterEach, beforeEach, expect, test } from "bun:test";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Fault } from "../../base/fault.ts";
import { faultOf } from "../../base/fixture.ts";
import { parseIdentifier } from "../identifier.ts";
import { settingsPath } from "../settings.ts";
import { Store } from "../store/store.ts";
import { artifactOf, type Misbehaviour, serveArtifact, startRegistry } from "./fixture.ts";
import { publish } from "./publish.ts";
import { ociFetcher } from "./pull.ts";
import { parseReference } from "./reference.ts";
import { parseChallenges } from "./registry.ts";

const secret = "correct-horse-battery";
const tiny = Buffer.from([0, 0x61, 0x73, 0x6d, 0x0d, 0, 1, 0, 0, 2, 1, 0x78]);
const artifact = artifactOf(tiny);

let folder = "";
const before = { ...process.env };
const stops: (() => Promise<void>)[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "loop-auth-"));
  process.env.HOME = folder;
  process.env.XDG_CONFIG_HOME = join(folder, "config");
  process.env.DOCKER_CONFIG = join(folder, "docker");
  mkdirSync(process.env.DOCKER_CONFIG);
});
afterEach(async () => {
  for (const name of Object.keys(process.env)) if (!(name in before)) delete process.env[name];
  Object.assign(process.env, before);
  for (const stop of stops.splice(0)) await stop();
  rmSync(folder, { recursive: true, force: true });
});

const docker = (config: unknown) =>
  writeFileSync(
    join(folder, "docker/config.json"),
    typeof config === "string" ? config : JSON.stringify(config),
  );
const basic = (user: string, password: string) => Buffer.from(`${user}:${password}`).toString("base64");
const serve = (misbehave: Misbehaviour) => {
  const server = serveArtifact(artifact, misbehave);
  stops.push(server.stop);
  return server;
};
const pull = (host: string) =>
  ociFetcher.fetch(parseIdentifier(`oci://${host}/acme/tool:1`), {
    folder,
    store: new Store(join(folder, "store")),
  });
const hintedFaultOf = async (work: Promise<unknown>): Promise<Fault> => {
  const error = await faultOf(work);
  if (!error.hint) throw new Error(`${error.code} has no hint: ${error.message}`);
  // Whatever went wrong, it is told without what opens the door.
  expect(JSON.stringify([error.message, error.hint, error.causes])).not.toContain(secret);
  return error;
};

/** Lets in who has this header, and tells the others how to get it. */
const guarded =
  (header: string, challenge: string): Misbehaviour =>
  (request) =>
    request.headers.get("authorization") === header
      ? undefined
      : new Response("", { status: 401, headers: { "www-authenticate": challenge } });

test("Debian's registry takes a user and password of Docker's config.json, and nobody without", async () => {
  const registry = await startRegistry(join(folder, "registry"), {
    user: { name: "alice", password: secret },
  });
  stops.push(registry.stop);
  const target = { ...parseReference(`${registry.host}/acme/tool:1`, "oci://x"), tag: "1" };
  const publication = {
    bytes: tiny,
    name: "tool",
    version: "1.0.0",
    description: undefined,
    docs: undefined,
    source: undefined,
    force: false,
    created: "2026-01-01T00:00:00Z",
  };
  const nobody = await hintedFaultOf(publish(target, publication, { folder }));
  expect(nobody.code).toBe("LK0111");
  expect(nobody.hint).toBe(`docker login ${registry.host}`);
  docker({ auths: { [registry.host]: { auth: basic("alice", "wrong") } } });
  expect((await hintedFaultOf(publish(target, publication, { folder }))).code).toBe("LK0111");
  docker({ auths: { [registry.host]: { auth: basic("alice", secret) } } });
  const { manifest } = await publish(target, publication, { folder });
  expect((await pull(registry.host)).locator.manifest).toBe(manifest);
});

test("a token is asked for where the registry says, for one repository and for no more than pulling", async () => {
  let asked = { url: "", authorization: null as string | null };
  const tokens = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch: (request) => {
      asked = { url: request.url, authorization: request.headers.get("authorization") };
      return Response.json({ access_token: "a-token", expires_in: 60 });
    },
  });
  stops.push(() => tokens.stop(true));
  const realm = `http://127.0.0.1:${tokens.port}/token`;
  const server = serve(guarded("Bearer a-token", `Bearer realm="${realm}",service="lab",scope="x"`));
  await pull(server.host);
  const url = new URL(asked.url);
  expect(url.searchParams.get("scope")).toBe("repository:acme/tool:pull");
  expect(url.searchParams.get("service")).toBe("lab");
  expect(asked.authorization).toBeNull();
  docker({ auths: { [server.host]: { auth: basic("alice", secret) } } });
  await pull(server.host);
  expect(asked.authorization).toBe(`Basic ${basic("alice", secret)}`);
  // Once signed in, it is asked for a token once for all of a pull.
  const first = server.requests.filter(({ headers }) => headers.get("authorization") === null);
  expect(first.length).toBe(2);
});

test("an identity token is exchanged, and is in no address", async () => {
  let body = "";
  let address = "";
  const tokens = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch: async (request) => {
      body = await request.text();
      address = request.url;
      return Response.json({ access_token: "b-token" });
    },
  });
  stops.push(() => tokens.stop(true));
  const server = serve(guarded("Bearer b-token", `Bearer realm="http://127.0.0.1:${tokens.port}/t"`));
  docker({ auths: { [server.host]: { identitytoken: secret } } });
  await pull(server.host);
  expect(new URLSearchParams(body).get("refresh_token")).toBe(secret);
  expect(new URLSearchParams(body).get("grant_type")).toBe("refresh_token");
  expect(address).not.toContain(secret);
});

const helper = (name: string, script: string) => {
  const bin = join(folder, "bin");
  mkdirSync(bin, { recursive: true });
  const path = join(bin, `docker-credential-${name}`);
  writeFileSync(path, `#!/bin/sh\n${script}\n`);
  chmodSync(path, 0o755);
  process.env.PATH = `${bin}:${before.PATH}`;
};

test("a credential helper is asked for the host, and its answer signs in", async () => {
  const server = serve(guarded(`Basic ${basic("bob", secret)}`, "Basic realm=lab"));
  helper(
    "lab",
    `test "$1" = get && test "$(cat)" = "${server.host}" && echo '{"Username":"bob","Secret":"${secret}"}'`,
  );
  docker({ credHelpers: { [server.host]: "lab" } });
  await pull(server.host);
  docker({ credsStore: "lab" });
  await pull(server.host);
});

test("a helper that fails, answers nonsense or is not there is named, and what it said is not", async () => {
  const server = serve(guarded("Basic x", "Basic realm=lab"));
  docker({ credHelpers: { [server.host]: "lab" } });
  const absent = await hintedFaultOf(pull(server.host));
  expect(absent.code).toBe("LK0122");
  expect(absent.message).toContain("there is no such program on PATH");
  for (const script of [
    `echo ${secret}; exit 1`,
    `echo ${secret}`,
    `echo '{"Username":1,"Secret":"${secret}"}'`,
    "kill -9 $$",
    "yes",
  ]) {
    helper("lab", script);
    const fault = await hintedFaultOf(pull(server.host));
    expect(fault.code).toBe("LK0122");
    expect(fault.message).toContain("docker-credential-lab");
  }
  helper("lab", "echo credentials not found in native keychain; exit 1");
  expect((await hintedFaultOf(pull(server.host))).code).toBe("LK0111");
  docker({ credHelpers: { [server.host]: "../../bin/sh" } });
  expect((await hintedFaultOf(pull(server.host))).code).toBe("LK0121");
});

test("a config.json that does not read is named, and nothing of it is shown", async () => {
  const server = serve(guarded("Basic x", "Basic realm=lab"));
  for (const config of [
    `{"auths":{"x":{"auth":"${secret}"}`,
    "[]1",
    '"x"',
    { auths: "x" },
    { auths: { [server.host]: { auth: Buffer.from(secret).toString("base64") } } },
    { credsStore: 1 },
  ]) {
    docker(config);
    expect((await hintedFaultOf(pull(server.host))).code).toBe("LK0121");
  }
});

test("wasm-pkg's config.toml and its environment variable sign in, before Docker's", async () => {
  docker({ auths: {} });
  const server = serve(guarded(`Basic ${basic("carol", secret)}`, "Basic realm=lab"));
  const path = settingsPath(process.env);
  mkdirSync(join(path, ".."), { recursive: true });
  for (const auth of [`{ username = "carol", password = "${secret}" }`, `"${basic("carol", secret)}"`]) {
    writeFileSync(path, `[registry."${server.host}".oci]\nauth = ${auth}\n`);
    await pull(server.host);
  }
  writeFileSync(path, `[registry."${server.host}".oci]\nauth = ["${secret}"]\n`);
  expect((await hintedFaultOf(pull(server.host))).code).toBe("LK0121");
  writeFileSync(path, `[registry."${server.host}".oci\nauth = "${secret}"\n`);
  expect((await hintedFaultOf(pull(server.host))).code).toBe("LK0121");
  writeFileSync(path, "");
  const other = serve(guarded(`Bearer ${secret}`, "Basic realm=lab"));
  process.env[`WKG_REGISTRY_${other.host.replace(/[.:]/g, "_")}_AUTH_BEARER`] = secret;
  await pull(other.host);
});

test("a password for one host is for no other: not for another port, not after a redirect", async () => {
  const thief = serve(() => undefined);
  const server = serve(
    (request, url) =>
      guarded(`Basic ${basic("alice", secret)}`, "Basic realm=lab")(request, url) ??
      (url.pathname.includes("/blobs/")
        ? Response.redirect(`http://${thief.host}${url.pathname}`, 307)
        : undefined),
  );
  docker({ auths: { [server.host]: { auth: basic("alice", secret) } } });
  await pull(server.host);
  const challenging = serve(guarded("Basic x", "Basic realm=lab"));
  await hintedFaultOf(pull(challenging.host));
  expect(thief.requests.length).toBeGreaterThan(0);
  for (const { headers } of [...thief.requests, ...challenging.requests])
    expect(headers.get("authorization")).toBeNull();
});

test("an upload whose address is another host's gets no password", async () => {
  const thief = serve(() => new Response("", { status: 201 }));
  const server = serve((request, url) => {
    const challenge = guarded(`Basic ${basic("alice", secret)}`, "Basic realm=lab")(request, url);
    if (challenge) return challenge;
    if (request.method === "HEAD") return new Response("", { status: 404 });
    if (request.method === "POST")
      return new Response("", { status: 202, headers: { location: `http://${thief.host}/upload?state=1` } });
    return new Response("", { status: 201 });
  });
  docker({ auths: { [server.host]: { auth: basic("alice", secret) } } });
  const target = { ...parseReference(`${server.host}/acme/tool:1`, "oci://x"), tag: "1" };
  await publish(
    target,
    {
      bytes: tiny,
      name: "t",
      version: "1.0.0",
      description: undefined,
      docs: undefined,
      source: undefined,
      force: false,
      created: "2026-01-01T00:00:00Z",
    },
    { folder },
  );
  expect(thief.requests.map(({ method }) => method)).toEqual(["PUT", "PUT"]);
  for (const { headers } of thief.requests) expect(headers.get("authorization")).toBeNull();
});

test("a registry that answers nonsense where tokens are had is told of", async () => {
  for (const answer of [
    new Response("<html>"),
    Response.json({}),
    Response.json({ token: "a\r\nx: y" }),
    Response.json(null),
  ]) {
    const server = serve((request, url) =>
      url.pathname === "/t"
        ? answer.clone()
        : new Response("", {
            status: 401,
            headers: { "www-authenticate": `Bearer realm="http://${new URL(request.url).host}/t"` },
          }),
    );
    expect((await hintedFaultOf(pull(server.host))).code).toBe("LK0115");
  }
  const nowhere = serve(guarded("x", 'Bearer service="x"'));
  expect((await hintedFaultOf(pull(nowhere.host))).code).toBe("LK0115");
  const plain = serve(guarded("x", 'Bearer realm="http://tokens.example/t"'));
  docker({ auths: { [plain.host]: { auth: basic("alice", secret) } } });
  expect((await hintedFaultOf(pull(plain.host))).code).toBe("LK0117");
});

test("challenges are read as RFC 9110 writes them", () => {
  expect(parseChallenges('Bearer realm="https://a/t",service="b c", scope="r:a,b:pull"')).toEqual([
    { scheme: "bearer", parameters: { realm: "https://a/t", service: "b c", scope: "r:a,b:pull" } },
  ]);
  expect(parseChallenges('Basic realm=lab, Bearer Realm="a\\"b"')).toEqual([
    { scheme: "basic", parameters: { realm: "lab" } },
    { scheme: "bearer", parameters: { realm: 'a"b' } },
  ]);
  expect(parseChallenges("")).toEqual([]);
  expect(parseChallenges('=,;"')).toEqual([]);
});
