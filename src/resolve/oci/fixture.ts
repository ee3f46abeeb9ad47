// Registries for tests: Debian's docker-registry in a folder of its own, and one made here that misbehaves in every
// way a test asks for. Owns both; refuses to be used outside tests; called by tests alone.
import { mkdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { type Digest, digestOf } from "../../base/digest.ts";
import { configType, layerType, manifestType } from "./artifact.ts";

export interface RunningRegistry {
  /** "127.0.0.1:PORT". */
  readonly host: string;
  stop(): Promise<void>;
}

const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once("error", reject);
    probe.listen(0, "127.0.0.1", () => {
      const { port } = probe.address() as { port: number };
      probe.close(() => resolve(port));
    });
  });

export interface RegistrySettings {
  /** Wants this user and password (Basic). */
  readonly user?: { readonly name: string; readonly password: string };
  /** Sends who has no token there. */
  readonly realm?: string;
}

/** Starts Debian's docker-registry (`apt-get install docker-registry`), which keeps its files in `folder`. */
export const startRegistry = async (
  folder: string,
  settings: RegistrySettings = {},
): Promise<RunningRegistry> => {
  const program = Bun.which("docker-registry");
  if (!program) throw new Error("These tests need docker-registry: apt-get install docker-registry");
  mkdirSync(folder, { recursive: true });
  const host = `127.0.0.1:${await freePort()}`;
  const { user } = settings;
  if (user) {
    const hash = await Bun.password.hash(user.password, { algorithm: "bcrypt", cost: 4 });
    writeFileSync(join(folder, "htpasswd"), `${user.name}:${hash}\n`);
  }
  const config = join(folder, "config.yml");
  writeFileSync(
    config,
    [
      "version: 0.1",
      "log: { level: error, accesslog: { disabled: true } }",
      `storage: { filesystem: { rootdirectory: ${JSON.stringify(join(folder, "data"))} } }`,
      `http: { addr: ${JSON.stringify(host)} }`,
      ...(user
        ? [`auth: { htpasswd: { realm: loop, path: ${JSON.stringify(join(folder, "htpasswd"))} } }`]
        : []),
      "",
    ].join("\n"),
  );
  const child = Bun.spawn([program, "serve", config], { stdout: "ignore", stderr: "pipe" });
  for (let attempt = 0; attempt < 200; attempt++) {
    if (child.exitCode !== null)
      throw new Error(`docker-registry: ${await new Response(child.stderr).text()}`);
    try {
      await (await fetch(`http://${host}/v2/`)).arrayBuffer();
      return {
        host,
        async stop() {
          child.kill();
          await child.exited;
        },
      };
    } catch {
      await Bun.sleep(25);
    }
  }
  child.kill();
  throw new Error("docker-registry does not answer");
};

/** An artifact as registries keep it, out of a component's bytes. */
export const artifactOf = (
  component: Uint8Array,
  more: { readonly config?: object; readonly manifest?: object } = {},
) => {
  const layer = { mediaType: layerType, digest: digestOf(component), size: component.length };
  const configBytes = Buffer.from(
    JSON.stringify({ created: "2026-01-01T00:00:00Z", architecture: "wasm", os: "wasip2", ...more.config }),
  );
  const config = { mediaType: configType, digest: digestOf(configBytes), size: configBytes.length };
  const manifest = Buffer.from(
    JSON.stringify({ schemaVersion: 2, mediaType: manifestType, config, layers: [layer], ...more.manifest }),
  );
  const blobs = new Map<Digest, Uint8Array>([
    [layer.digest, component],
    [config.digest, configBytes],
  ]);
  return { manifest, digest: digestOf(manifest), layer, config, blobs };
};

export type Artifact = ReturnType<typeof artifactOf>;

/** What one request is answered with, instead of what is right. */
export type Misbehaviour = (request: Request, url: URL) => Response | Promise<Response> | undefined;

/** Serves one artifact under any repository and tag; `misbehave` answers first. Keeps what it was asked. */
export const serveArtifact = (artifact: Artifact, misbehave: Misbehaviour = () => undefined) => {
  const requests: { readonly path: string; readonly method: string; readonly headers: Headers }[] = [];
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    idleTimeout: 60,
    fetch: async (request) => {
      const url = new URL(request.url);
      requests.push({ path: url.pathname + url.search, method: request.method, headers: request.headers });
      return (await misbehave(request, url)) ?? rightAnswer(artifact, request, url);
    },
  });
  return {
    host: `127.0.0.1:${server.port}`,
    requests,
    stop: () => server.stop(true),
    paths: () => requests.map(({ path }) => path),
  };
};

export const rightAnswer = (artifact: Artifact, request: Request, url: URL): Response => {
  if (/\/manifests\/[^/]+$/.test(url.pathname))
    return new Response(artifact.manifest, { headers: { "content-type": manifestType } });
  const blob = artifact.blobs.get(url.pathname.split("/").at(-1) as Digest);
  if (!blob) return new Response("", { status: 404 });
  const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.get("range") ?? "") ?? [];
  if (from === undefined) return new Response(Buffer.from(blob));
  return new Response(Buffer.from(blob.subarray(Number(from), Number(to) + 1)), {
    status: 206,
    headers: { "content-range": `bytes ${from}-${to}/${blob.length}` },
  });
};
