// A server whose guest computes without end, and whose thread so hears no signal: it ends by it all the same, and one
// that comes back in time ends in order.
import { beforeAll, expect, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { executable } from "../scripts/executable.ts";
import { limits } from "../src/base/limits.ts";
import { homeFor, loopWords, Said, soon } from "./home.ts";

const home = homeFor("held");
const folder = join(home.folder, "served");

const files: Readonly<Record<string, string>> = {
  "loop.toml": '[component]\nname = "served"\nlanguage = "typescript"\nworld = "served"\n',
  "wit/world.wit": `package a:served@0.1.0;
world served {
  import wasi:cli/stdout@0.2.12;
  import wasi:clocks/monotonic-clock@0.2.12;
  import wasi:http/types@0.2.12;
  export wasi:http/incoming-handler@0.2.12;
}
`,
  "src/main.ts": `import { now, subscribeDuration } from "wasi:clocks/monotonic-clock@0.2.12";
import type { IncomingRequest, ResponseOutparam as Out } from "wasi:http/types@0.2.12";
import { Fields, OutgoingResponse, ResponseOutparam } from "wasi:http/types@0.2.12";
const compute = (ms: bigint): void => {
  for (const endNs = now() + ms * 1_000_000n; now() < endNs; );
};
const wait = (ms: bigint): void => subscribeDuration(ms * 1_000_000n).block();
const routes: Record<string, () => void> = {
  "/busy"() { for (;;); },
  "/slow"() { compute(1500n); },
  "/later"() { wait(1500n); for (;;); },
};
export const incomingHandler = { handle(request: IncomingRequest, out: Out): void {
  console.log("begun");
  routes[request.pathWithQuery() ?? "/"]!();
  ResponseOutparam.set(out, { tag: "ok", val: new OutgoingResponse(new Fields()) });
} };
`,
};

beforeAll(async () => {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(join(folder, path, ".."), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  expect(await home.loop(folder, "build")).toMatchObject({ code: 0 });
}, 60_000);

const serving = async (...more: string[]) => servingBy(loopWords, ...more);

const servingBy = async (loop: readonly string[], ...more: string[]) => {
  const child = home.start([...loop, "serve", "--addr", "127.0.0.1:0", ...more], { cwd: folder });
  const [out, said] = [new Said(child.stdout), new Said(child.stderr)];
  const [, port] = await said.until(/Serving .*:(\d+)\//);
  /** Asks, and comes back when the guest has begun with it; the answer's answer is how that ended. */
  const ask = async (path: string) => {
    const answer = fetch(`http://127.0.0.1:${port}${path}`, { keepalive: false }).then(
      ({ status }) => status,
      () => "cut" as const,
    );
    await out.line(/^begun$/);
    return { answer };
  };
  return { child, said, ask, port: Number(port) };
};

/** Nobody listens there any more. */
const expectFree = (port: number): void =>
  Bun.listen({ hostname: "127.0.0.1", port, socket: { data() {} } }).stop();

const loops = [
  ["from source", loopWords],
  ["from dist/loop", [executable]],
] as const;

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  test.each(loops)(
    `%s, ${signal} ends a server whose guest never ends, and its port is free`,
    async (_, loop) => {
      const { child, ask, port } = await servingBy(loop, "--grace", "1s");
      const { answer } = await ask("/busy");
      child.kill(signal);
      await child.exited;
      expect([child.signalCode, await answer]).toEqual([signal, "cut"]);
      expectFree(port);
    },
    60_000,
  );

  test(`a second ${signal} ends it at once`, async () => {
    const { child, ask } = await serving("--grace", "10m");
    const { answer } = await ask("/busy");
    const startMs = performance.now();
    // Two that come at once may be taken for one.
    await soon(() => {
      child.kill(signal);
      return child.signalCode !== null;
    });
    // The first alone ends it no sooner than that.
    expect(performance.now() - startMs).toBeLessThan(limits.serveHeldMsMax);
    expect([child.signalCode, await answer]).toEqual([signal, "cut"]);
  }, 60_000);
}

test("a guest that comes back is answered for, and the server ends in order", async () => {
  const { child, ask, said } = await serving();
  const { answer } = await ask("/slow");
  child.kill("SIGINT");
  expect([await answer, await child.exited]).toEqual([200, 0]);
  expect(await said.whole).toMatch(/^Serving [^\n]*\n(Stopping: [^\n]*\n)?$/);
}, 60_000);

test("a guest that never ends goes on while nobody asks for an end, however long", async () => {
  const { child, ask } = await serving();
  await ask("/busy");
  // Longer than one that was asked to end may go on.
  await Bun.sleep(limits.serveHeldMsMax + 1000);
  expect(child.exitCode).toBeNull();
  expect(child.signalCode).toBeNull();
  child.kill("SIGKILL");
}, 60_000);

test("a guest that begins to compute without end when the signal was heard is ended as well", async () => {
  const { child, ask, said } = await serving("--grace", "3s");
  const { answer } = await ask("/later");
  child.kill("SIGTERM");
  await said.until(/Stopping: 1 request was under way/);
  await child.exited;
  expect([child.signalCode, await answer]).toEqual(["SIGTERM", "cut"]);
}, 60_000);
