import { afterEach, expect, test } from "bun:test";
import { errOf, provideHttp } from "./fixture.ts";

// A request passes from a guest to a component in wasi:http's place: two instances of the provider, and the objects of
// the one in the hands of the other, as the chain hands them on.

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const clean of cleanups.splice(0).reverse()) await clean();
});
const bytes = (text: string) => new TextEncoder().encode(text);

const start = async () => {
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch: async (request) => new Response(`${request.headers.get("x")} ${await request.text()}`),
  });
  cleanups.push(() => server.stop(true));
  const network = `127.0.0.1:${server.port}`;
  const [guest, filling] = [await provideHttp({ network }), await provideHttp({ network })];
  cleanups.push(guest.drop, filling.drop);
  const address = (request: InstanceType<typeof guest.OutgoingRequest>) => {
    request.setMethod({ tag: "post" });
    request.setScheme({ tag: "HTTP" });
    request.setAuthority(network);
    return request;
  };
  const asked = (headers: [string, string][] = []) => {
    const entries = [["x", "old"], ...headers].map(([name, value]): [string, Uint8Array] => [
      name!,
      bytes(value!),
    ]);
    const request = address(new guest.OutgoingRequest(guest.Fields.fromList(entries)));
    const body = request.body();
    return { request, body, stream: body.write() };
  };
  /** What the filling makes of it. */
  const changed = (request: InstanceType<typeof guest.OutgoingRequest>, maker = filling) => {
    const headers = request.headers().clone();
    headers.set("x", [bytes("new")]);
    return address(new maker.OutgoingRequest(headers));
  };
  const answer = async (sent: ReturnType<typeof guest.handle>) => {
    await sent.subscribe().block();
    const outcome = sent.get();
    if (outcome?.tag !== "ok" || outcome.val.tag !== "ok") return outcome?.val;
    const stream = (outcome.val.val as { consume(): { stream(): { blockingRead(n: bigint): unknown } } })
      .consume()
      .stream();
    return new TextDecoder().decode((await stream.blockingRead(1000n)) as Uint8Array);
  };
  const write = (made: ReturnType<typeof asked>, text: string) => {
    made.stream.write(bytes(text));
    made.stream[Symbol.dispose]();
    guest.OutgoingBody.finish(made.body, undefined);
  };
  return { guest, filling, asked, changed, answer, write };
};

test("a request made of a clone of another's headers carries on its body, whenever it is written", async () => {
  const { filling, asked, changed, answer, write } = await start();
  const made = asked();
  const sent = filling.handle(changed(made.request), undefined);
  // The guest's own goes when its owner drops it; the body is under way by then.
  made.request[Symbol.dispose]();
  write(made, "late");
  expect(await answer(sent)).toBe("new late");
});

test("it may go before the request that is sent is made: the body stays", async () => {
  const { filling, asked, changed, answer, write } = await start();
  const made = asked([["content-length", "4"]]);
  const other = changed(made.request);
  made.request[Symbol.dispose]();
  const sent = filling.handle(other, undefined);
  write(made, "four");
  expect(await answer(sent)).toBe("new four");
});

test("a body goes with the first that is sent", async () => {
  const { filling, asked, changed, answer, write } = await start();
  const made = asked();
  const [one, other] = [changed(made.request), changed(made.request)];
  const sent = filling.handle(one, undefined);
  expect(await errOf(() => filling.handle(other, undefined))).toEqual({ tag: "configuration-error" });
  write(made, "once");
  expect(await answer(sent)).toBe("new once");
});

test("one that asks for a body of its own has that, and the other's writer finds a closed stream", async () => {
  const { filling, asked, changed, answer } = await start();
  const made = asked();
  const other = changed(made.request);
  const own = other.body();
  made.request[Symbol.dispose]();
  const sent = filling.handle(other, undefined);
  const stream = own.write();
  stream.write(bytes("own"));
  stream[Symbol.dispose]();
  filling.OutgoingBody.finish(own, undefined);
  expect(await answer(sent)).toBe("new own");
  expect(await errOf(() => made.stream.write(bytes("x")))).toEqual({ tag: "closed" });
});

test("a length that is not the maker's is refused", async () => {
  const { filling, asked, changed } = await start();
  const made = asked([["content-length", "4"]]);
  const headers = made.request.headers().clone();
  headers.set("content-length", [bytes("400")]);
  const other = new filling.OutgoingRequest(headers);
  other.setAuthority(changed(made.request).authority());
  expect(await errOf(() => filling.handle(other, undefined))).toEqual({ tag: "HTTP-request-body-size" });
});

test("a guest that copies a request of its own makes one without a body", async () => {
  const { guest, asked, changed, answer } = await start();
  const made = asked();
  expect(await answer(guest.handle(changed(made.request, guest), undefined))).toBe("new ");
});
