import { provideHttp } from "../../fixture.ts";

// A process of its own that trusts cert.pem: prints what a request over TLS to each name ends with.

const server = Bun.serve({
  hostname: "127.0.0.1",
  port: 0,
  tls: { key: Bun.file(`${import.meta.dir}/key.pem`), cert: Bun.file(`${import.meta.dir}/cert.pem`) },
  fetch: () => new Response("secret"),
});
const { Fields, OutgoingRequest, handle } = await provideHttp({ network: "localhost,*.localhost,127.0.0.1" });

const ask = async (host: string): Promise<string> => {
  const request = new OutgoingRequest(new Fields());
  request.setAuthority(`${host}:${server.port}`);
  const future = handle(request, undefined);
  await future.subscribe().block();
  const got = future.get()!;
  if (got.tag === "err") throw new Error("The response was given twice");
  if (got.val.tag === "err") return (got.val.val as { tag: string }).tag;
  const stream = got.val.val.consume().stream();
  return new TextDecoder().decode(await stream.blockingRead(1024n));
};

const answers: Record<string, string> = {};
for (const host of ["localhost", "127.0.0.1", "other.localhost"]) answers[host] = await ask(host);
console.log(JSON.stringify(answers));
process.exit(0);
