// What sidecars complain of, while nobody reads it.
import { expect, test } from "bun:test";
import { limits } from "../../base/limits.ts";
import { passLines } from "./stderr.ts";

const saying = (...pieces: string[]): ReadableStream<Uint8Array> =>
  new ReadableStream({
    start(controller) {
      for (const piece of pieces) controller.enqueue(new TextEncoder().encode(piece));
      controller.close();
    },
  });

test("lines are passed on whole, under a name, and nothing in them is more than a line", async () => {
  let said = "";
  const write = (bytes: Uint8Array) => {
    said += new TextDecoder().decode(bytes);
  };
  await passLines(saying("one\ntw", "o \x1b[2J\r\n", "three"), "shop", {
    write,
    flush() {},
    isTerminal: true,
  });
  expect(said).toBe("shop: one\nshop: two \nshop: three\n");
});

test("who does not read holds nobody up, and is told how much was left out", async () => {
  const said: string[] = [];
  const { promise, resolve } = Promise.withResolvers<void>();
  const write = (bytes: Uint8Array) => {
    said.push(new TextDecoder().decode(bytes));
    return promise;
  };
  const much = `${"x".repeat(limits.logTextMax)}\n`.repeat(10);
  const pieces = Array.from({ length: 100 }, () => much);
  const passing = passLines(
    new ReadableStream<Uint8Array>({
      async pull(controller) {
        const piece = pieces.pop();
        controller.enqueue(new TextEncoder().encode(piece ?? "at last\n"));
        if (piece) return;
        controller.close();
      },
    }),
    "shop",
    { write, flush() {}, isTerminal: false },
  );
  await passing;
  const bytes = said.join("").length;
  expect(bytes).toBeGreaterThan(limits.logQueueBytesMax);
  expect(bytes).toBeLessThan(2 * limits.logQueueBytesMax);
  resolve();
});

test("what was left out is counted in the next line that can be read", async () => {
  const said: string[] = [];
  const { promise, resolve } = Promise.withResolvers<void>();
  const write = (bytes: Uint8Array) => {
    said.push(new TextDecoder().decode(bytes));
    return promise;
  };
  // Asked for one piece after the other: whoever asks has put the last one where it belongs.
  const pieces = ["x\n".repeat(limits.logQueueBytesMax / 2), "lost\nlost\n", "here\n"];
  const stream = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const piece = pieces.shift();
        if (piece === undefined) return controller.close();
        if (pieces.length === 0) {
          resolve();
          await new Promise((done) => setImmediate(done));
        }
        controller.enqueue(new TextEncoder().encode(piece));
      },
    },
    { highWaterMark: 0 },
  );
  await passLines(stream, "shop", { write, flush() {}, isTerminal: false });
  expect(said.slice(1)).toEqual(["shop: 2 lines were left out\nshop: here\n"]);
});

test("a standard error that is gone is nobody's trouble", async () => {
  let tries = 0;
  const write = () => {
    tries++;
    throw new Error("gone");
  };
  await passLines(saying("one\n", "two\n"), "shop", { write, flush() {}, isTerminal: false });
  expect(tries).toBeGreaterThan(0);
});
