// A load generator for HTTP. Owns its connections and the clock; refuses to be clever: each connection stays open
// and asks again when its answer is whole; used by the benchmark of `loop serve`.
import type { Socket } from "bun";

export interface Load {
  readonly port: number;
  readonly connections: number;
  /** How long it goes on. */
  readonly ms: number;
}

interface Asking {
  text: string;
}

/** Whether a whole answer with this body has come. */
const isWhole = (text: string, body: string): boolean =>
  text.startsWith("HTTP/1.1 200") &&
  (text.endsWith(`\r\n\r\n${body}`) || text.endsWith(`\r\n${body}\r\n0\r\n\r\n`));

/**
 * Requests per second answered with `body` over connections that are kept. Throws where a connection ends or
 * anything else comes.
 */
export const requestsPerSecond = async ({ port, connections, ms }: Load, body: string): Promise<number> => {
  const request = `GET / HTTP/1.1\r\nhost: localhost:${port}\r\n\r\n`;
  let answered = 0;
  let over = false;
  const failed = Promise.withResolvers<never>();
  const next = (socket: Socket<Asking>, bytes: Buffer) => {
    const text = socket.data.text + bytes.toString("latin1");
    socket.data.text = text;
    if (text.length > 64 * 1024)
      failed.reject(new Error(`An answer is not as expected: ${text.slice(0, 200)}`));
    if (!isWhole(text, body)) return;
    socket.data.text = "";
    answered++;
    if (!over) socket.write(request);
  };
  const sockets = await Promise.all(
    Array.from({ length: connections }, () =>
      Bun.connect<Asking>({
        hostname: "127.0.0.1",
        port,
        data: { text: "" },
        socket: {
          data: next,
          close: () => {
            if (!over) failed.reject(new Error("The server closed a connection under load"));
          },
        },
      }),
    ),
  );
  const startMs = performance.now();
  for (const socket of sockets) socket.write(request);
  try {
    await Promise.race([Bun.sleep(ms), failed.promise]);
    return answered / ((performance.now() - startMs) / 1000);
  } finally {
    over = true;
    for (const socket of sockets) socket.end();
  }
};
