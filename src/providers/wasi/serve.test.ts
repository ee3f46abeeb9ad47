import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { ownCache } from "../../base/fixture.ts";
import { limits } from "../../base/limits.ts";
import { type LinkerName, linkerNames } from "../../host/linkers.ts";
import { type LinkedPlan, link } from "../../host/plan.ts";
import { verify } from "../../trust/verify.ts";
import { contextOf } from "./fixture.ts";
import { buildGuest } from "./guest.ts";
import { http } from "./http.ts";
import { wasi } from "./index.ts";
import { type ServeOptions, type Server, serve } from "./serve.ts";
import { sockets } from "./sockets.ts";

// A real guest as a server, and the same guest as a client of sockets and HTTP, over both linkers. Building and
// linking it takes some three seconds, once.

ownCache();
const plans = new Map<LinkerName, LinkedPlan>();
beforeAll(async () => {
  const component = verify("net.wasm", await buildGuest("net"));
  for (const linker of linkerNames)
    plans.set(linker, await link(component, { providers: [wasi, sockets, http], linker }));
}, 60_000);

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const clean of cleanups.splice(0).reverse()) await clean();
});
const servers: Server[] = [];
afterAll(async () => {
  for (const server of servers) await server.stop();
});

const start = async (linker: LinkerName, options: Partial<ServeOptions> = {}) => {
  const reports: string[] = [];
  const drops: (() => void)[] = [];
  const server = await serve(plans.get(linker)!, {
    hostname: "127.0.0.1",
    port: 0,
    reuse: true,
    contextOf: () => {
      const { context, drop } = contextOf();
      drops.push(drop);
      return context;
    },
    report: (error) => void reports.push(String(error)),
    ...options,
  });
  cleanups.push(() => server.stop());
  const get = async (path: string, init?: RequestInit & { decompress?: boolean }) => {
    const response = await fetch(`${server.url.slice(0, -1)}${path}`, { ...init, keepalive: false });
    return { status: response.status, body: await response.text(), headers: response.headers };
  };
  return { server, get, reports };
};

/** Loopback alone, without keep-alive and without what a client adds. */
/** What a server answers, until the connection ends, the time does, or it was `enough`. */
const rawAsk = async (port: number, request: string, untilMs = 2000, enough?: RegExp): Promise<string> => {
  let received = "";
  await new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, untilMs);
    void Bun.connect({
      hostname: "127.0.0.1",
      port,
      socket: {
        open: (socket) => void socket.write(request),
        data: (_, bytes) => {
          received += bytes.toString("latin1");
          if (enough?.test(received)) resolve();
        },
        close: () => {
          clearTimeout(timer);
          resolve();
        },
      },
    });
  });
  return received;
};

const eventually = async (holds: () => boolean, what: string): Promise<void> => {
  // Long enough for a busy machine; what never comes true fails all the same.
  for (let tries = 0; tries < 1000; tries++) {
    if (holds()) return;
    await Bun.sleep(10);
  }
  throw new Error(`It never came true that ${what}`);
};

describe.each(linkerNames)("linked by %s", (linker) => {
  test("a request and its answer pass whole", async () => {
    const { get } = await start(linker);
    const { status, body, headers } = await get("/request?a=b", {
      method: "POST",
      headers: { "X-Mine": "1" },
      body: "x",
    });
    expect(status).toBe(201);
    expect(headers.get("x-one")).toBe("1");
    expect(headers.getSetCookie()).toEqual(["a", "b"]);
    const seen = JSON.parse(body);
    expect([seen.method, seen.target, seen.scheme]).toEqual([
      { tag: "post" },
      "/request?a=b",
      { tag: "HTTP" },
    ]);
    expect(seen.headers).toContainEqual(["x-mine", "1"]);
    expect(seen.headers.map(([name]: [string]) => name)).not.toContain("host");
    expect(seen.authority).toStartWith("127.0.0.1:");
  });

  test("answers of every kind arrive as what they are", async () => {
    const { get, server } = await start(linker);
    expect((await get("/hello")).body).toBe("Hello");
    expect((await get("/empty")).status).toBe(200);
    expect((await get("/none")).status).toBe(404);
    expect((await get("/slow")).body).toBe("slow");
    expect((await get("/error")).status).toBe(403);
    const head = await rawAsk(server.port, "HEAD /hello HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n");
    expect(head).toMatch(/^HTTP\/1.1 200 OK\r\n[\s\S]*\r\n\r\n$/);
  });

  test("a body is echoed piece by piece, large or small, announced or not", async () => {
    const { get } = await start(linker);
    for (const size of [0, 1, limits.serveAheadBytesMax, limits.serveAheadBytesMax + 1, 3 << 20]) {
      const body = Buffer.alloc(size, "abcdefgh").toString();
      expect((await get("/echo", { method: "POST", body })).body === body).toBe(true);
    }
    const pieces = new ReadableStream({
      start(controller) {
        for (const piece of ["one", "two", "three"]) controller.enqueue(new TextEncoder().encode(piece));
        controller.close();
      },
    });
    expect((await get("/echo", { method: "POST", body: pieces })).body).toBe("onetwothree");
  });

  test("who gives no answer, or traps, is answered for, and the next request is served", async () => {
    const { get, reports } = await start(linker);
    expect((await get("/nothing")).status).toBe(500);
    expect(reports).toEqual([]);
    expect((await get("/trap")).status).toBe(500);
    expect(reports[0]).toContain("Trapped on purpose");
    expect((await get("/hello")).body).toBe("Hello");
  });

  test("a body that was given up half-way does not look whole", async () => {
    const { server, reports } = await start(linker);
    const half = await rawAsk(server.port, "GET /half HTTP/1.1\r\nhost: a\r\n\r\n");
    expect(half).not.toContain("\r\n0\r\n");
    const short = await rawAsk(server.port, "GET /short HTTP/1.1\r\nhost: a\r\n\r\n");
    expect(short).not.toContain("200 OK\r\ncontent-length: 5");
    expect(reports.join()).toContain("HTTP-response-body-size");
  });

  test("one instance serves again and keeps its state, or each request has its own", async () => {
    const reused = await start(linker, { reuse: true });
    expect([(await reused.get("/count")).body, (await reused.get("/count")).body]).toEqual(["1", "2"]);
    expect(reused.server.instances).toBe(1);
    const single = await start(linker, { reuse: false });
    expect([(await single.get("/count")).body, (await single.get("/count")).body]).toEqual(["1", "1"]);
    const { serveSparesMax } = limits;
    await eventually(() => single.server.instances === serveSparesMax, "fresh ones lie ready, and no others");
  });

  test("requests that wait do not make each other wait, up to the instances allowed", async () => {
    const { get, server } = await start(linker, { instancesMax: 4 });
    const ended: string[] = [];
    const slow = get("/slow?3000").then(() => ended.push("slow"));
    await Promise.all(Array.from({ length: 3 }, () => get("/slow")));
    ended.push("quick");
    await slow;
    expect(ended).toEqual(["quick", "slow"]);
    expect(server.instances).toBeGreaterThan(1);
    await Promise.all(Array.from({ length: 12 }, () => get("/slow")));
    expect(server.instances).toBeLessThanOrEqual(4);
    expect(server.pending).toBe(0);
  });

  test("a client that goes away half-way leaves nothing behind", async () => {
    const { get, server } = await start(linker, { instancesMax: 2 });
    const leave = (request: string) => rawAskAndLeave(server.port, request);
    await leave("POST /echo HTTP/1.1\r\nhost: a\r\ncontent-length: 1000000\r\n\r\nsome");
    await leave("GET /zeroes?100000000 HTTP/1.1\r\nhost: a\r\n\r\n");
    await leave("POST /length HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n");
    await leave("POST /hello HTTP/1.1\r\nhost: a\r\ncontent-length: 100\r\n\r\nsome");
    await eventually(() => server.pending === 0, "no request is pending");
    expect((await get("/hello")).body).toBe("Hello");
    await Promise.all([get("/slow"), get("/slow")]);
  });

  test("the guest's own requests and sockets work from inside it, and are denied", async () => {
    const { server } = await start(linker);
    const authority = `127.0.0.1:${server.port}`;
    const guest = async (network: string | undefined, script: string) => {
      const { context, drop } = contextOf(network === undefined ? {} : { network });
      const instance = await plans.get(linker)!.instantiate(context);
      try {
        return JSON.parse((await instance.call(undefined, "run", [script])) as string);
      } finally {
        instance.drop();
        drop();
      }
    };
    const ask = `const { status, content } = ask({ authority: "${authority}", path: "/echo", method: "post",
      body: "x".repeat(10000), options: { setConnectTimeout: 5000000000, setFirstByteTimeout: 5000000000 } });
      return [status, content.length]`;
    expect(await guest(authority, ask)).toEqual([200, 10000]);
    const refused = `return refusal(() => send({ authority: "${authority}" }))`;
    expect(await guest(undefined, refused)).toEqual({ tag: "HTTP-request-denied" });
    const tcp = `const net = instanceNetwork(), socket = createTcpSocket("ipv4");
      socket.startConnect(net, four(${server.port}));
      socket.subscribe().block();
      const done = refusal(() => { socket.finishConnect() });
      if (done !== "ok") return done;
      return socket.remoteAddress()`;
    expect(await guest(authority, tcp)).toEqual({
      tag: "ipv4",
      val: { port: server.port, address: [127, 0, 0, 1] },
    });
    expect(await guest(undefined, tcp)).toBe("access-denied");
    const talk = `const net = instanceNetwork(), listener = createTcpSocket("ipv4");
      listener.startBind(net, four(0)); listener.finishBind(); listener.startListen(); listener.finishListen();
      const client = createTcpSocket("ipv4");
      client.startConnect(net, listener.localAddress());
      client.subscribe().block();
      const [input, output] = client.finishConnect();
      listener.subscribe().block();
      const [peer, from, to] = listener.accept();
      writeAll(output, bytes("ping"));
      const heard = text(from.blockingRead(4));
      peer.shutdown("send");
      return [heard, readAll(input), listener.isListening()]`;
    expect(await guest("127.0.0.1,listen=127.0.0.1:0", talk)).toEqual(["ping", "", true]);
    const datagrams = `const net = instanceNetwork();
      const open = () => { const socket = createUdpSocket("ipv4"); socket.startBind(net, four(0));
        socket.subscribe().block(); socket.finishBind(); return [socket, ...socket.stream(undefined)]; };
      const [a, , out] = open(), [b, input] = open();
      out.checkSend(); out.send([{ data: bytes("datagram"), remoteAddress: b.localAddress() }]);
      input.subscribe().block();
      return input.receive(1).map(({ data, remoteAddress }) => [text(data), remoteAddress.val.port === a.localAddress().val.port])`;
    expect(await guest("127.0.0.1,listen=127.0.0.1:0", datagrams)).toEqual([["datagram", true]]);
    const names = `const found = resolveAddresses(instanceNetwork(), "localhost");
      found.subscribe().block(); return found.resolveNextAddress()`;
    expect(await guest("localhost", names)).toEqual({ tag: "ipv4", val: [127, 0, 0, 1] });
  });
});

const clientsOf = (port: number) => {
  const sockets: { terminate(): void }[] = [];
  cleanups.push(() => {
    for (const socket of sockets) socket.terminate();
  });
  /** A client that sends `pieces`, each after a pause, and what it is answered. */
  return async (pieces: readonly string[], pauseMs: number) => {
    let received = "";
    const closed = Promise.withResolvers<string>();
    const socket = await Bun.connect({
      hostname: "127.0.0.1",
      port,
      socket: {
        data: (_, bytes) => {
          received += bytes.toString("latin1");
        },
        close: () => closed.resolve(received),
      },
    });
    sockets.push(socket);
    for (const piece of pieces) {
      socket.write(piece);
      await Bun.sleep(pauseMs);
    }
    return { closed: closed.promise, received: () => received };
  };
};

const upload = (path: string) => `POST ${path} HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n`;

/** An upload is broken off once its guest reads it, and is an error to the guest; who leaves before is nobody's error. */
const breakOff = async (port: number, reports: readonly string[]): Promise<void> => {
  const reported = () => reports.join().includes("last-operation-failed");
  for (let afterMs = 150; !reported(); afterMs *= 2) {
    if (afterMs > 5000) throw new Error(`It is not reported: ${reports.join()}`);
    await rawAskAndLeave(port, `${upload("/length")}5\r\nhello\r\n`, afterMs);
    for (let tries = 0; tries < 50 && !reported(); tries++) await Bun.sleep(10);
  }
};

test("slow clients of small bodies cost no instance, and nobody waits for them", async () => {
  const { get, server } = await start("loop", { instancesMax: 2 });
  const client = clientsOf(server.port);
  const drops = ["1\r\na\r\n", "1\r\nb\r\n", "1\r\nc\r\n", "0\r\n\r\n"];
  const slow = Array.from({ length: 30 }, () => client([upload("/length"), ...drops], 400));
  for (let turn = 0; turn < 20; turn++) {
    const startMs = performance.now();
    expect((await get("/hello")).body).toBe("Hello");
    expect(performance.now() - startMs).toBeLessThan(1000);
    await Bun.sleep(50);
  }
  const answers = await Promise.all(slow);
  await eventually(
    () => answers.every(({ received }) => received().endsWith("\r\n\r\n3")),
    "all are answered",
  );
}, 20_000);

test("long uploads never have the last instance", async () => {
  const { get, server } = await start("loop", { instancesMax: 3 });
  const client = clientsOf(server.port);
  const large = `20000\r\n${"x".repeat(0x20000)}\r\n`;
  await Promise.all(Array.from({ length: 6 }, () => client([upload("/length"), large], 100)));
  for (let turn = 0; turn < 5; turn++) expect((await get("/hello")).body).toBe("Hello");
  expect(server.pending).toBe(6);
}, 20_000);

test("where others wait, a client that does nothing for long loses its instance", async () => {
  const { get, server, reports } = await start("loop", { instancesMax: 1 });
  const client = clientsOf(server.port);
  await client([upload("/length"), "5\r\nhello\r\n"], 100);
  const startMs = performance.now();
  expect((await get("/hello")).body).toBe("Hello");
  expect(performance.now() - startMs).toBeGreaterThan(limits.serveStalledMsMax / 2);
  // To its guest the body broke off: it is not taken for a whole one.
  expect(reports.join()).toContain("last-operation-failed");
}, 20_000);

/** A client that asks for something and takes nothing of it until it is told to; what it has by its end. */
const idler = async (port: number, path: string) => {
  let taking = false;
  let length = 0;
  const closed = Promise.withResolvers<void>();
  const socket = await Bun.connect({
    hostname: "127.0.0.1",
    port,
    socket: {
      data: (socket, data) => {
        length += data.length;
        if (!taking) socket.pause();
      },
      close: () => closed.resolve(),
    },
  });
  cleanups.push(() => socket.terminate());
  socket.write(`GET ${path} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n`);
  return async () => {
    taking = true;
    socket.resume();
    await closed.promise;
    return length;
  };
};

test("where others wait, long answers are kept for who takes them slowly", async () => {
  const { get, server } = await start("loop", { instancesMax: 2 });
  const length = 6_000_000;
  const idle = await Promise.all(Array.from({ length: 6 }, () => idler(server.port, `/zeroes?${length}`)));
  await Bun.sleep(200);
  const startMs = performance.now();
  expect((await get("/hello")).body).toBe("Hello");
  expect(performance.now() - startMs).toBeLessThan(limits.serveStalledMsMax - 1000);
  for (const take of idle) expect(await take()).toBeGreaterThan(length);
}, 20_000);

test.each([[false], [true]])(
  "where others wait, a client that takes nothing of a long answer loses it (trailers: %p)",
  async (trailers) => {
    const { get, server } = await start("loop", { instancesMax: 1, trailers });
    const take = await idler(server.port, "/zeroes?100000000");
    await Bun.sleep(300);
    expect((await get("/hello")).body).toBe("Hello");
    await eventually(() => server.pending === 0, "nothing is pending");
    expect(await take()).toBeLessThan(100_000_000);
  },
  20_000,
);

test("an upload that breaks off is an error to the guest, not an end", async () => {
  const { server, reports } = await start("loop");
  await breakOff(server.port, reports);
  await eventually(() => server.pending === 0, "no request is pending");
});

test("a server that is stopped answers what is under way, within a bound, and nothing new", async () => {
  const { server } = await start("loop");
  const slow = fetch(`${server.url}slow`).then((answer) => answer.text());
  await eventually(() => server.pending === 1, "the request is under way");
  expect(await server.stop(5000)).toBe(0);
  expect(await slow).toBe("slow");
  await expect(fetch(`${server.url}hello`, { keepalive: false })).rejects.toThrow();

  const other = await start("loop");
  const client = clientsOf(other.server.port);
  const { closed } = await client([upload("/length"), "5\r\nhello\r\n"], 150);
  const startMs = performance.now();
  expect(await other.server.stop(200)).toBe(1);
  expect(performance.now() - startMs).toBeLessThan(2000);
  expect(await closed).toBe("");
}, 20_000);

describe("with trailers", () => {
  test("those of a request and of its answer pass", async () => {
    const { server } = await start("loop", { trailers: true });
    const asked = await rawAsk(
      server.port,
      `${upload("/trailers")}5\r\nhello\r\n0\r\nx-mine: of the request\r\n\r\n`,
      10_000,
      /x-mine/,
    );
    expect(asked).toContain("x-mine");
    expect(asked).toMatch(/\r\n0\r\nx-end: 5\r\n\r\n$/);
  });

  test("all else is as without them", async () => {
    const { get, server, reports } = await start("loop", { trailers: true });
    expect((await get("/hello")).body).toBe("Hello");
    expect((await get("/none")).status).toBe(404);
    expect((await get("/error")).status).toBe(403);
    const { headers, body: seen } = await get("/request?a=b", { method: "POST", body: "x" });
    expect(headers.getSetCookie()).toEqual(["a", "b"]);
    expect(JSON.parse(seen).target).toBe("/request?a=b");
    for (const size of [1, limits.serveAheadBytesMax + 1, 3 << 20]) {
      const body = Buffer.alloc(size, "abcdefgh").toString();
      expect((await get("/echo", { method: "POST", body })).body === body).toBe(true);
    }
    expect((await get("/trap")).status).toBe(500);
    const half = await rawAsk(server.port, "GET /half HTTP/1.1\r\nhost: a\r\n\r\n");
    expect(half).not.toContain("\r\n0\r\n");
    await rawAskAndLeave(server.port, "GET /zeroes?100000000 HTTP/1.1\r\nhost: a\r\n\r\n");
    await breakOff(server.port, reports);
    await eventually(() => server.pending === 0, "no request is pending");
    expect(await server.stop(1000)).toBe(0);
  }, 20_000);
});

/** Leaves after a request has surely been given its instance. */
const rawAskAndLeave = async (port: number, request: string, afterMs = 150): Promise<void> => {
  const socket = await Bun.connect({ hostname: "127.0.0.1", port, socket: { data() {} } });
  socket.write(request);
  await Bun.sleep(afterMs);
  socket.terminate();
};

test("a component that handles no requests is refused by name, and a taken address too", async () => {
  const plan = plans.get("loop")!;
  const { server } = await start("loop");
  const options = {
    hostname: "127.0.0.1",
    port: server.port,
    reuse: true,
    contextOf: () => contextOf().context,
    report() {},
  };
  await expect(serve(plan, options)).rejects.toThrow("Cannot listen at 127.0.0.1");
  const none = { ...plan, world: { ...plan.world, exports: new Map() } } as LinkedPlan;
  await expect(serve(none, options)).rejects.toThrow("does not export wasi:http/handler");
});
