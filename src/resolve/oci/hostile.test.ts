// A registry that lies, stalls and never ends: each way of doing so is a fault that says what to do, and nothing of it
// stays in the store.
import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { digestOf } from "../../base/digest.ts";
import type { Fault } from "../../base/fault.ts";
import { faultOf } from "../../base/fixture.ts";
import { limits } from "../../base/limits.ts";
import type { FetchContext } from "../fetch.ts";
import { parseIdentifier } from "../identifier.ts";
import { Store } from "../store/store.ts";
import { httpFetcher } from "../web.ts";
import { type Artifact, artifactOf, type Misbehaviour, rightAnswer, serveArtifact } from "./fixture.ts";
import { ociFetcher } from "./pull.ts";

let folder = "";
let store: Store;
const servers: { stop(): Promise<void> }[] = [];
const home = process.env.HOME;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "loop-hostile-"));
  store = new Store(join(folder, "store"));
  process.env.HOME = folder;
});
afterEach(async () => {
  process.env.HOME = home;
  for (const server of servers.splice(0)) await server.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** The smallest component: a preamble and a custom section. */
const tiny = Buffer.from([0, 0x61, 0x73, 0x6d, 0x0d, 0, 1, 0, 0, 2, 1, 0x78]);
/** Three chunks of one, so that it is fetched in parts. */
const large = (() => {
  const size = 2 * limits.fetchChunkBytes + 5000;
  const bytes = Buffer.alloc(size);
  tiny.copy(bytes, 0, 0, 8);
  const content = size - 8 - 6;
  bytes[8] = 0;
  for (let at = 0; at < 5; at++) bytes[9 + at] = ((content >> (7 * at)) & 0x7f) | (at < 4 ? 0x80 : 0);
  bytes[14] = 1;
  bytes[15] = 0x78;
  for (let at = 4096; at < size; at += 4096) bytes[at] = at / 4096;
  return bytes;
})();

const serve = (artifact: Artifact, misbehave?: Misbehaviour) => {
  const server = serveArtifact(artifact, misbehave);
  servers.push(server);
  return server;
};
const pull = (host: string, more: Partial<FetchContext> = {}, name = "acme/tool:1.0.0") =>
  ociFetcher.fetch(parseIdentifier(`oci://${host}/${name}`), { folder, store, ...more });
const hintedFaultOf = async (work: Promise<unknown>): Promise<Fault> => {
  const error = await faultOf(work);
  // Each says what to do.
  if (!error.hint) throw new Error(`${error.code} has no hint: ${error.message}`);
  return error;
};
const isBlob = (url: URL, artifact: Artifact) => url.pathname.endsWith(artifact.layer.digest);
const stored = () => store.list().length;

test("an artifact that is right is pulled, in one part or in several", async () => {
  for (const bytes of [tiny, large]) {
    const artifact = artifactOf(bytes);
    const server = serve(artifact);
    const { bytes: came, locator } = await pull(server.host);
    expect(digestOf(came)).toBe(artifact.layer.digest);
    expect(locator.manifest).toBe(artifact.digest);
    expect(locator.place).toBe(`oci://${server.host}/acme/tool@${artifact.digest}`);
  }
});

test("a blob with other bytes than its digest is refused, and is not stored", async () => {
  for (const bytes of [tiny, large]) {
    const artifact = artifactOf(bytes);
    const wrong = Buffer.from(bytes);
    wrong[wrong.length - 1]! ^= 1;
    const lying = { ...artifact, blobs: new Map([...artifact.blobs, [artifact.layer.digest, wrong]]) };
    const server = serve(lying);
    const fault = await hintedFaultOf(pull(server.host));
    expect(fault.code).toBe("LK0105");
    expect(fault.hint).toContain("tell whoever runs it");
    expect(stored()).toBe(0);
    expect(readdirSync(join(store.folder, "partial"))).toEqual([]);
  }
});

test("a manifest with another digest than was pinned, or than the registry says, is refused", async () => {
  const artifact = artifactOf(tiny);
  const pinned = await hintedFaultOf(pull(serve(artifact).host, {}, `acme/tool@sha256:${"0".repeat(64)}`));
  expect(pinned.code).toBe("LK0105");
  const server = serve(artifact, (_, url) =>
    url.pathname.includes("/manifests/")
      ? new Response(artifact.manifest, { headers: { "docker-content-digest": `sha256:${"1".repeat(64)}` } })
      : undefined,
  );
  expect((await hintedFaultOf(pull(server.host))).code).toBe("LK0105");
});

test("a configuration with other bytes than its digest, or of another layer, is refused", async () => {
  const artifact = artifactOf(tiny);
  const other = {
    ...artifact,
    blobs: new Map([...artifact.blobs, [artifact.config.digest, Buffer.from("{}")]]),
  };
  expect((await hintedFaultOf(pull(serve(other).host))).code).toBe("LK0105");
  const foreign = artifactOf(tiny, { config: { layerDigests: [`sha256:${"2".repeat(64)}`] } });
  expect((await hintedFaultOf(pull(serve(foreign).host))).code).toBe("LK0120");
});

/** Sends without end, a megabyte at a time. */
const endless = () =>
  new ReadableStream({
    pull: (controller) => controller.enqueue(new Uint8Array(1 << 20)),
  });

test("a body without end is left as soon as it passes its size", async () => {
  const artifact = artifactOf(tiny);
  const blob = serve(artifact, (_, url) => (isBlob(url, artifact) ? new Response(endless()) : undefined));
  const fault = await hintedFaultOf(pull(blob.host));
  expect(fault.code).toBe("LK0115");
  expect(fault.message).toContain(`has ${tiny.length} bytes by its manifest, and more came`);
  const manifest = serve(artifact, () => new Response(endless()));
  const huge = await hintedFaultOf(pull(manifest.host));
  expect(huge.code).toBe("LK0204");
  expect(huge.message).toContain(`the limit is ${limits.ociManifestBytesMax}`);
  const file = serve(artifact, () => new Response(endless()));
  const context = { folder, store, bounds: { bytesMax: 5_000_000 } };
  const web = await hintedFaultOf(httpFetcher.fetch(parseIdentifier(`http://${file.host}/x.wasm`), context));
  expect(web.code).toBe("LK0204");
});

test("a manifest that announces more than the limit is not read at all", async () => {
  const artifact = artifactOf(tiny, {
    manifest: { annotations: { x: "y".repeat(limits.ociManifestBytesMax) } },
  });
  expect((await hintedFaultOf(pull(serve(artifact).host))).code).toBe("LK0204");
});

test("a component that is larger than the limit is not asked for", async () => {
  const artifact = artifactOf(tiny);
  const layer = { ...artifact.layer, size: limits.componentBytesMax + 1 };
  const manifest = Buffer.from(
    JSON.stringify({ schemaVersion: 2, config: artifact.config, layers: [layer] }),
  );
  const server = serve({ ...artifact, manifest });
  expect((await hintedFaultOf(pull(server.host))).code).toBe("LK0204");
  expect(server.paths().some((path) => path.includes("/blobs/"))).toBe(false);
});

test("a ring of redirects is left, and so is one to plain http beyond this machine or to no address", async () => {
  const artifact = artifactOf(tiny);
  const ring = serve(artifact, (_, url) => Response.redirect(`${url.origin}${url.pathname}?again`, 307));
  const fault = await hintedFaultOf(pull(ring.host));
  expect(fault.code).toBe("LK0113");
  expect(ring.requests.length).toBe(limits.redirectsMax + 1);
  for (const [location, code] of [
    ["http://registry.example/x", "LK0117"],
    ["http://10.0.0.1:1/x", "LK0117"],
    ["file:///etc/passwd", "LK0113"],
    ["ftp://127.0.0.1/x", "LK0113"],
    ["http://[", "LK0113"],
  ] as const) {
    const astray = serve(artifact, () => new Response("", { status: 302, headers: { location } }));
    expect((await hintedFaultOf(pull(astray.host))).code).toBe(code);
  }
});

test("a blob that is cut short is asked for again, and refused where it stays so", async () => {
  const artifact = artifactOf(tiny);
  const server = serve(artifact, (_, url) =>
    isBlob(url, artifact) ? new Response(tiny.subarray(0, 5)) : undefined,
  );
  const fault = await hintedFaultOf(pull(server.host));
  expect(fault.code).toBe("LK0115");
  expect(fault.hint).toBe("try again");
  expect(server.paths().filter((path) => path.includes(artifact.layer.digest)).length).toBe(
    limits.fetchAttemptsMax,
  );
  expect(stored()).toBe(0);
});

test("a download that breaks off goes on where it broke off", async () => {
  const artifact = artifactOf(large);
  const ranges: string[] = [];
  let broken = 0;
  const server = serve(artifact, (request, url) => {
    if (!isBlob(url, artifact)) return undefined;
    const range = request.headers.get("range")!;
    ranges.push(range);
    const [, from] = /^bytes=(\d+)-/.exec(range)!;
    if (Number(from) !== 0 || broken++ > 0) return undefined;
    // A hundred thousand bytes of the first part, and then the end.
    return new Response(large.subarray(0, 100_000), {
      status: 206,
      headers: { "content-range": `bytes 0-99999/${large.length}` },
    });
  });
  const { bytes } = await pull(server.host);
  expect(digestOf(bytes)).toBe(artifact.layer.digest);
  // What is left is asked for in several parts where this machine is slow.
  expect(ranges.slice(0, 2)).toEqual([`bytes=0-${large.length - 1}`, `bytes=100000-${large.length - 1}`]);
  expect(ranges.slice(2).filter((range) => Number(/\d+/.exec(range)![0]) < 100_000)).toEqual([]);
});

test("a registry that is slow is asked for several parts at once, each of them once", async () => {
  const artifact = artifactOf(large);
  const ranges: string[] = [];
  const server = serve(artifact, (request, url) => {
    if (!isBlob(url, artifact)) return undefined;
    const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.get("range")!)!;
    ranges.push(`${from}-${to}`);
    let at = Number(from);
    const body = new ReadableStream({
      async pull(controller) {
        await Bun.sleep(100);
        controller.enqueue(large.subarray(at, Math.min(at + (1 << 20), Number(to) + 1)));
        at += 1 << 20;
        if (at > Number(to)) controller.close();
      },
    });
    return new Response(body, {
      status: 206,
      headers: { "content-range": `bytes ${from}-${to}/${large.length}` },
    });
  });
  const { bytes } = await pull(server.host);
  expect(digestOf(bytes)).toBe(artifact.layer.digest);
  const chunk = limits.fetchChunkBytes;
  // Two chunks and a bit: while the first comes, others take what is left, from the end on.
  expect(ranges.toSorted()).toEqual(
    [`0-${large.length - 1}`, `${chunk}-${2 * chunk - 1}`, `${2 * chunk}-${large.length - 1}`].toSorted(),
  );
}, 20_000);

test("what an earlier process left of a download is not asked for again", async () => {
  const artifact = artifactOf(large);
  const partial = store.begin(artifact.layer.digest, large.length);
  partial.write(0, large.subarray(0, 2 * limits.fetchChunkBytes));
  await partial.close();
  const server = serve(artifact);
  await pull(server.host);
  const ranges = server.requests.map(({ headers }) => headers.get("range")).filter(Boolean);
  expect(ranges).toEqual([`bytes=${2 * limits.fetchChunkBytes}-${large.length - 1}`]);
});

test("a registry that gives no parts is taken whole", async () => {
  const artifact = artifactOf(large);
  const server = serve(artifact, (_, url) => (isBlob(url, artifact) ? new Response(large) : undefined));
  expect(digestOf((await pull(server.host)).bytes)).toBe(artifact.layer.digest);
});

test("a registry that gives other parts than were asked for is refused", async () => {
  const artifact = artifactOf(large);
  const server = serve(artifact, (_, url) =>
    isBlob(url, artifact)
      ? new Response(large.subarray(10), { status: 206, headers: { "content-range": "bytes 10-20/30" } })
      : undefined,
  );
  expect((await hintedFaultOf(pull(server.host))).code).toBe("LK0115");
});

test("a body that drips is as dead as one that stands still", async () => {
  const artifact = artifactOf(large);
  const right = serve(artifact);
  for (const everyMs of [20, 60_000]) {
    const timers: ReturnType<typeof setInterval>[] = [];
    // Of node:http, which sends each byte as it comes.
    const slow = createServer(async (request, response) => {
      if (request.url?.endsWith(artifact.layer.digest)) {
        response.writeHead(200).flushHeaders();
        timers.push(setInterval(() => response.write("x"), everyMs));
        return;
      }
      response.end(Buffer.from(await (await fetch(`http://${right.host}${request.url}`)).arrayBuffer()));
    });
    await new Promise<void>((resolve) => slow.listen(0, "127.0.0.1", resolve));
    const { port } = slow.address() as { port: number };
    const bounds = { windowMs: 200, windowBytesMin: 1000 };
    const fault = await hintedFaultOf(pull(`127.0.0.1:${port}`, { bounds }));
    for (const timer of timers) clearInterval(timer);
    slow.closeAllConnections();
    slow.close();
    expect(fault.code).toBe("LK0114");
    expect(fault.hint).toContain("try again later");
  }
}, 20_000);

test("a registry that never answers is left in time", async () => {
  const server = serve(artifactOf(tiny), () => new Promise<Response>(() => {}));
  const fault = await hintedFaultOf(pull(server.host, { bounds: { firstByteMs: 100 } }));
  expect(fault.code).toBe("LK0114");
});

test("a packed body is refused and never unpacked", async () => {
  const artifact = artifactOf(tiny);
  // A thousand times its size once unpacked.
  const bomb = gzipSync(Buffer.alloc(50_000_000));
  const headers = { "content-encoding": "gzip" };
  for (const misbehave of [
    (_: Request, url: URL) => (isBlob(url, artifact) ? new Response(bomb, { headers }) : undefined),
    () => new Response(bomb, { headers }),
  ]) {
    const before = process.memoryUsage.rss();
    const fault = await hintedFaultOf(pull(serve(artifact, misbehave).host));
    expect(fault.code).toBe("LK0115");
    expect(fault.message).toContain("packed (gzip)");
    expect(process.memoryUsage.rss() - before).toBeLessThan(200_000_000);
  }
});

test("a manifest that is none of a Wasm artifact says what it is", async () => {
  const artifact = artifactOf(tiny);
  const of = (manifest: object | string) =>
    hintedFaultOf(
      pull(
        serve({
          ...artifact,
          manifest: Buffer.from(typeof manifest === "string" ? manifest : JSON.stringify(manifest)),
        }).host,
      ),
    );
  const { config, layer } = artifact;
  expect((await of("<html>")).code).toBe("LK0115");
  expect((await of("[]")).code).toBe("LK0115");
  expect((await of("null")).code).toBe("LK0115");
  expect((await of({ config, layers: [] })).code).toBe("LK0116");
  expect((await of({ config, layers: [layer, layer] })).code).toBe("LK0116");
  expect(
    (await of({ config, layers: [{ ...layer, mediaType: "application/vnd.oci.image.layer.v1.tar+gzip" }] }))
      .message,
  ).toContain("tar+gzip");
  expect((await of({ config, layers: [{ ...layer, digest: "sha256:../../x" }] })).code).toBe("LK0115");
  expect((await of({ config, layers: [{ ...layer, digest: "md5:aa" }] })).code).toBe("LK0115");
  expect((await of({ config, layers: [{ ...layer, size: -1 }] })).code).toBe("LK0115");
  expect(
    (await of({ mediaType: "application/vnd.docker.distribution.manifest.v2+json", config, layers: [layer] }))
      .code,
  ).toBe("LK0116");
  expect((await of({ manifests: [] })).code).toBe("LK0116");
});

test("of an index the manifest for wasm is taken", async () => {
  const artifact = artifactOf(tiny);
  const index = Buffer.from(
    JSON.stringify({
      manifests: [
        { mediaType: "x", digest: `sha256:${"3".repeat(64)}`, size: 1, platform: { architecture: "amd64" } },
        {
          mediaType: "x",
          digest: artifact.digest,
          size: artifact.manifest.length,
          platform: { architecture: "wasm" },
        },
      ],
    }),
  );
  const server = serve(artifact, (_, url) =>
    url.pathname.endsWith("/manifests/1.0.0") ? new Response(index) : undefined,
  );
  expect((await pull(server.host)).locator.manifest).toBe(artifact.digest);
});

test("statuses are told apart", async () => {
  const codes = { 401: "LK0111", 403: "LK0111", 404: "LK0112", 429: "LK0110", 500: "LK0110", 418: "LK0110" };
  for (const [status, code] of Object.entries(codes)) {
    const server = serve(artifactOf(tiny), () => new Response("", { status: Number(status) }));
    expect((await hintedFaultOf(pull(server.host))).code).toBe(code as Fault["code"]);
  }
});

test("a mirror that fails is passed over, and one that lies is not", async () => {
  const artifact = artifactOf(tiny);
  const right = serve(artifact);
  const down = serve(artifact, () => new Response("", { status: 503 }));
  const mirror = serve(artifact);
  await pull(right.host, {
    mirrorsOf: (host) => (host === right.host ? [down.host, `${mirror.host}/cached`] : []),
  });
  expect(mirror.paths()).toContain("/v2/cached/acme/tool/manifests/1.0.0");
  expect(right.requests).toEqual([]);
  rmSync(store.folder, { recursive: true });
  const lying = serve({
    ...artifact,
    blobs: new Map([...artifact.blobs, [artifact.layer.digest, Buffer.alloc(tiny.length)]]),
  });
  expect((await hintedFaultOf(pull(right.host, { mirrorsOf: () => [lying.host] }))).code).toBe("LK0105");
});

const answers = rightAnswer;
test("a redirect of a blob is followed, and nobody there learns who asked", async () => {
  const artifact = artifactOf(large);
  const storage = serve(artifact);
  const server = serve(artifact, (request, url) => {
    if (request.headers.get("authorization") !== "Bearer secret-token")
      return new Response("", {
        status: 401,
        headers: { "www-authenticate": `Bearer realm="${url.origin}/token",service="x"` },
      });
    return isBlob(url, artifact)
      ? Response.redirect(`http://${storage.host}${url.pathname}?signed=1`, 307)
      : answers(artifact, request, url);
  });
  // The token is asked for without one, of course.
  const origin = serveArtifact(artifact, (request, url) =>
    url.pathname === "/token"
      ? Response.json({ token: "secret-token" })
      : fetch(`http://${server.host}${url.pathname}`, { headers: request.headers, redirect: "manual" }),
  );
  servers.push(origin);
  process.env.DOCKER_CONFIG = folder;
  try {
    await pull(origin.host);
  } finally {
    delete process.env.DOCKER_CONFIG;
  }
  expect(storage.requests.length).toBeGreaterThan(0);
  for (const { headers } of storage.requests) expect(headers.get("authorization")).toBeNull();
});
