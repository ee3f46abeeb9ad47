import { expect, test } from "bun:test";
import { Fault } from "../../base/fault.ts";
import { limits } from "../../base/limits.ts";
import { ClosedPipe, type OutputSink, type Stdio } from "../../host/provider.ts";
import { bufferStdio } from "./buffer.ts";
import { errOf, provide } from "./fixture.ts";
import type { IoError } from "./p2/io.ts";

const text = (bytes: Uint8Array) => Buffer.from(bytes).toString();
const bytes = (content: string) => new TextEncoder().encode(content);
const closed = { tag: "closed" };

/** A source or sink that waits until the test says go on. */
const gate = <T>() => {
  const { promise, resolve, reject } = Promise.withResolvers<T>();
  return { promise, open: resolve, fail: reject };
};

const withStdin = (read: Stdio["stdin"]["read"]): Stdio => ({
  ...bufferStdio(),
  stdin: { isTerminal: false, read },
});
const withStdout = (sink: Partial<OutputSink>): Stdio => ({
  ...bufferStdio(),
  stdout: { isTerminal: false, write() {}, flush() {}, ...sink },
});
const systemError = (code: string) => Object.assign(new Error(`${code}: it broke, read`), { code });

test("standard input is not touched before the guest reads or polls", () => {
  let reads = 0;
  const { getStdin } = provide({
    stdio: withStdin(() => {
      reads++;
      return undefined;
    }),
  });
  const stdin = getStdin();
  stdin.subscribe();
  expect(reads).toBe(0);
  stdin.read(0n);
  expect(reads).toBe(0);
});

test("a read that need not wait answers at once", () => {
  const { getStdin } = provide({ stdio: bufferStdio("hello") });
  const answer = getStdin().blockingRead(2n);
  expect(answer).toBeInstanceOf(Uint8Array);
  expect(text(answer as Uint8Array)).toBe("he");
  expect(getStdin().skip(2n)).toBe(2n);
  expect(getStdin().blockingSkip(9n)).toBe(1n);
});

test("a read asks the source for no more than the guest wants", () => {
  const asked: number[] = [];
  const { getStdin } = provide({
    stdio: withStdin((max) => {
      asked.push(max);
      return bytes("x".repeat(max));
    }),
  });
  expect(getStdin().read(7n).length).toBe(7);
  expect(asked).toEqual([7]);
});

test("at the end a stream is closed, for reads of every length", async () => {
  const { getStdin } = provide();
  expect(await errOf(() => getStdin().read(1n))).toEqual(closed);
  expect(await errOf(() => getStdin().read(0n))).toEqual(closed);
  expect(await errOf(() => getStdin().blockingRead(1n))).toEqual(closed);
  expect(await errOf(() => getStdin().blockingSkip(1n))).toEqual(closed);
});

test("while nothing has come a read is empty and a blocking one waits", async () => {
  const input = gate<Uint8Array | undefined>();
  const { getStdin } = provide({ stdio: withStdin(() => input.promise) });
  const stdin = getStdin();
  const pollable = stdin.subscribe();
  expect(pollable.ready()).toBe(false);
  expect(stdin.read(5n).length).toBe(0);
  const waiting = stdin.blockingRead(3n);
  expect(waiting).toBeInstanceOf(Promise);
  input.open(bytes("abcdef"));
  expect(text(await waiting)).toBe("abc");
  expect(pollable.ready()).toBe(true);
  expect(text(stdin.read(9n))).toBe("def");
});

test("a guest gets no more bytes at once than the limit", () => {
  const { getStdin } = provide({ stdio: withStdin((max) => new Uint8Array(max)) });
  expect(getStdin().read(2n ** 63n).length).toBe(limits.streamReadBytesMax);
});

test("a stream that fails says why once, and is closed from then on", async () => {
  const failing: Stdio["stdin"]["read"][] = [
    () => {
      throw systemError("EIO");
    },
    () => Promise.reject(systemError("EIO")),
  ];
  for (const read of failing) {
    const { getStdin, filesystemErrorCode } = provide({ stdio: withStdin(read) });
    const err = (await errOf(() => getStdin().blockingRead(1n))) as { tag: string; val: IoError };
    expect(err.tag).toBe("last-operation-failed");
    expect(err.val.toDebugString()).toBe("EIO: it broke");
    expect(filesystemErrorCode(err.val)).toBe("io");
    expect(await errOf(() => getStdin().blockingRead(1n))).toEqual(closed);
  }
});

test("a bug of the host is no stream-error", () => {
  const { getStdin } = provide({
    stdio: withStdin(() => {
      throw new Error("ours");
    }),
  });
  expect(() => getStdin().read(1n)).toThrow("ours");
});

test("handles to one standard stream share it", () => {
  const stdio = bufferStdio();
  const { getStdout, getStderr } = provide({ stdio });
  getStdout().write(bytes("a"));
  getStdout().blockingWriteAndFlush(bytes("b"));
  getStderr().write(bytes("c"));
  expect(stdio.stdoutText()).toBe("ab");
  expect(stdio.stderrText()).toBe("c");
});

test("a sink that waits holds its writer back", async () => {
  const full = gate<void>();
  const { getStdout } = provide({ stdio: withStdout({ write: () => full.promise }) });
  const stdout = getStdout();
  const pollable = stdout.subscribe();
  expect(stdout.checkWrite()).toBe(BigInt(limits.streamWriteBytesMax));
  stdout.write(bytes("x"));
  expect(stdout.checkWrite()).toBe(0n);
  expect(pollable.ready()).toBe(false);
  expect(() => stdout.write(bytes("y"))).toThrow(WebAssembly.RuntimeError);
  expect(() => stdout.writeZeroes(1n)).toThrow(WebAssembly.RuntimeError);
  const waiting = stdout.blockingWriteAndFlush(bytes("z"));
  expect(waiting).toBeInstanceOf(Promise);
  full.open();
  await waiting;
  expect(pollable.ready()).toBe(true);
  expect(stdout.checkWrite()).toBe(BigInt(limits.streamWriteBytesMax));
});

test("writers that wait for one stream take turns", async () => {
  let written = "";
  const { getStdout } = provide({
    stdio: withStdout({
      async write(content) {
        const kept = text(content);
        await Bun.sleep(1);
        written += kept;
      },
    }),
  });
  await Promise.all(["a", "b", "c", "d"].map((letter) => getStdout().blockingWriteAndFlush(bytes(letter))));
  expect(written).toBe("abcd");
});

test("a flush that takes time holds writers back until it is done, even one asked for meanwhile", async () => {
  const written = gate<void>();
  const flushed = gate<void>();
  let flushes = 0;
  const { getStdout } = provide({
    stdio: withStdout({
      write: () => written.promise,
      flush: () => {
        flushes++;
        return flushed.promise;
      },
    }),
  });
  const stdout = getStdout();
  stdout.write(bytes("x"));
  stdout.flush();
  expect(flushes).toBe(0);
  written.open();
  await Bun.sleep(0);
  expect(flushes).toBe(1);
  expect(stdout.checkWrite()).toBe(0n);
  const waiting = stdout.blockingFlush();
  flushed.open();
  await waiting;
  expect(stdout.checkWrite()).toBeGreaterThan(0n);
});

test("beyond what a stream takes a write is a trap", () => {
  const { getStdout } = provide();
  const stdout = getStdout();
  expect(() => stdout.write(new Uint8Array(limits.streamWriteBytesMax + 1))).toThrow(
    WebAssembly.RuntimeError,
  );
  expect(() => stdout.writeZeroes(2n ** 60n)).toThrow(WebAssembly.RuntimeError);
  expect(() => stdout.blockingWriteAndFlush(new Uint8Array(4097))).toThrow(WebAssembly.RuntimeError);
  expect(() => stdout.blockingWriteZeroesAndFlush(4097n)).toThrow(WebAssembly.RuntimeError);
});

test("zeroes are written as zeroes", () => {
  const stdio = bufferStdio();
  const { getStdout } = provide({ stdio });
  getStdout().writeZeroes(3n);
  getStdout().blockingWriteZeroesAndFlush(2n);
  expect([...stdio.stdoutBytes()]).toEqual([0, 0, 0, 0, 0]);
});

test("a pipe that nobody reads is closed to its writer", async () => {
  const gone = () => {
    throw new ClosedPipe("gone");
  };
  for (const write of [gone, async () => gone()]) {
    const { getStdout } = provide({ stdio: withStdout({ write }) });
    const stdout = getStdout();
    expect(await errOf(() => stdout.blockingWriteAndFlush(bytes("x")))).toEqual(closed);
    expect(await errOf(() => stdout.checkWrite())).toEqual(closed);
    expect(await errOf(() => stdout.write(bytes("x")))).toEqual(closed);
    expect(await errOf(() => stdout.flush())).toEqual(closed);
    expect(stdout.subscribe().ready()).toBe(true);
  }
});

test("a write that fails later is told to the next call, once", async () => {
  const { getStdout, filesystemErrorCode } = provide({
    stdio: withStdout({ write: () => Promise.reject(systemError("ENOSPC")) }),
  });
  const stdout = getStdout();
  stdout.write(bytes("x"));
  await stdout.subscribe().block();
  const err = (await errOf(() => stdout.checkWrite())) as { tag: string; val: IoError };
  expect([err.tag, filesystemErrorCode(err.val)]).toEqual(["last-operation-failed", "insufficient-space"]);
  expect(await errOf(() => stdout.checkWrite())).toEqual(closed);
});

test("splice moves what is there and what is taken, and blocking-splice waits for both", async () => {
  const stdio = bufferStdio("abcdef");
  const { getStdin, getStdout } = provide({ stdio });
  expect(getStdout().splice(getStdin(), 2n)).toBe(2n);
  expect(getStdout().splice(getStdin(), 0n)).toBe(0n);
  expect(getStdout().blockingSplice(getStdin(), 99n)).toBe(4n);
  expect(stdio.stdoutText()).toBe("abcdef");
  expect(await errOf(() => getStdout().splice(getStdin(), 1n))).toEqual(closed);
  expect(await errOf(() => getStdout().blockingSplice(getStdin(), 1n))).toEqual(closed);
  const input = gate<Uint8Array | undefined>();
  const full = gate<void>();
  const slow = provide({
    stdio: { ...withStdin(() => input.promise), stdout: withStdout({ write: () => full.promise }).stdout },
  });
  slow.getStdout().write(bytes("x"));
  expect(slow.getStdout().splice(slow.getStdin(), 5n)).toBe(0n);
  const moved = slow.getStdout().blockingSplice(slow.getStdin(), 5n);
  expect(moved).toBeInstanceOf(Promise);
  full.open();
  input.open(bytes("yz"));
  expect(await moved).toBe(2n);
});

test("poll answers all that are ready, at once where some are", async () => {
  const { monotonic, poll } = provide({ stdio: bufferStdio("x") });
  const past = monotonic.subscribeInstant(0n);
  const soon = monotonic.subscribeDuration(5_000_000n);
  const far = monotonic.subscribeDuration(2n ** 64n - 1n);
  expect(poll([far, past, far, past])).toEqual(Uint32Array.of(1, 3));
  const waited = poll([far, soon]);
  expect(waited).toBeInstanceOf(Promise);
  expect(await waited).toEqual(Uint32Array.of(1));
});

test("poll of nothing is a trap, and of too many a fault", () => {
  const { monotonic, poll } = provide();
  expect(() => poll([])).toThrow(WebAssembly.RuntimeError);
  const one = monotonic.subscribeInstant(0n);
  expect(poll(Array(limits.pollablesMax).fill(one))).toHaveLength(limits.pollablesMax);
  expect(() => poll(Array(limits.pollablesMax + 1).fill(one))).toThrow(Fault);
});

test("while one instance waits another goes on", async () => {
  const waiting = provide();
  const running = provide({ stdio: bufferStdio("abc") });
  const wait = Promise.resolve(waiting.monotonic.subscribeDuration(3_600_000_000_000n).block());
  const stdin = running.getStdin();
  for (let at = 0; at < 3; at++) {
    await running.monotonic.subscribeDuration(1_000_000n).block();
    expect(stdin.read(1n).length).toBe(1);
  }
  expect(Bun.peek.status(wait)).toBe("pending");
  waiting.drop();
  await expect(wait).rejects.toThrow("dropped");
});

test("a wait ends with a fault when its instance is dropped, and leaves no timer", async () => {
  const { monotonic, drop } = provide();
  const wait = Promise.resolve(monotonic.subscribeDuration(3_600_000_000_000n).block());
  drop();
  await expect(wait).rejects.toThrow("dropped");
  expect(() => monotonic.subscribeInstant(0n).block()).not.toThrow();
  await expect(Promise.resolve(monotonic.subscribeDuration(10n ** 12n).block())).rejects.toThrow("dropped");
});

test("handles are counted while they live", () => {
  const { getStdout } = provide();
  const stdout = getStdout();
  const kept = Array.from({ length: limits.handlesMax - 1 }, () => stdout.subscribe());
  expect(() => stdout.subscribe()).toThrow(`${limits.handlesMax}`);
  kept[0]![Symbol.dispose]();
  kept[0]![Symbol.dispose]();
  stdout.subscribe();
  expect(() => stdout.subscribe()).toThrow(Fault);
});
