import { getStdout } from "wasi:cli/stdout@0.2.12";
import { now, subscribeDuration } from "wasi:clocks/monotonic-clock@0.2.12";
import { now as wallNow } from "wasi:clocks/wall-clock@0.2.12";
import { getDirectories } from "wasi:filesystem/preopens@0.2.12";
import { poll } from "wasi:io/poll@0.2.12";

const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

/** The error code of a refusal, as the err of our own functions. */
const attempt = <T>(work: () => T): T => {
  try {
    return work();
  } catch (error) {
    const { payload } = error as { payload?: unknown };
    throw typeof payload === "string" ? payload : JSON.stringify(payload ?? String(error));
  }
};

const root = () => {
  const [first] = getDirectories();
  if (!first) throw "no folder";
  return first[0];
};

/** Writes a file, reads it again by its descriptor and says how long the file system thinks that it is. */
export const write = (path: string, content: string): string =>
  attempt(() => {
    const file = root().openAt({}, path, { create: true, truncate: true }, { read: true, write: true });
    file.write(new TextEncoder().encode(content), 0n);
    const [bytes, end] = file.read(100n, 0n);
    const { type, size } = file.stat();
    return `${type} of ${size}: ${text(bytes)} ${end}`;
  });

/**
 * Writes and reads a file through streams of the file system's, passes the rest of it on to a stream of standard
 * output's, and waits at once for the streams of both and for a clock.
 */
export const trip = (path: string, content: string): string =>
  attempt(() => {
    const written = root().openAt({}, path, { create: true, truncate: true }, { write: true });
    written.writeViaStream(0n).blockingWriteAndFlush(new TextEncoder().encode(content));
    const input = root().openAt({}, path, {}, { read: true }).readViaStream(0n);
    const output = getStdout();
    const head = input.blockingRead(5n);
    const spliced = output.blockingSplice(input, 100n);
    const hour = 3_600_000_000_000n;
    const ready = poll([subscribeDuration(hour), input.subscribe(), output.subscribe()]);
    let end = "more";
    try {
      input.read(1n);
    } catch (error) {
      end = (error as { payload: { tag: string } }).payload.tag;
    }
    return `${text(head)} and ${spliced}, ready ${ready.join(" ")}, ${end}`;
  });

/** Reads a whole file. */
export const read = (path: string): string =>
  attempt(() => text(root().openAt({}, path, {}, { read: true }).read(100n, 0n)[0]));

export const clock = (): BigUint64Array => {
  const { seconds, nanoseconds } = wallNow();
  return BigUint64Array.of(seconds, BigInt(nanoseconds), now() < 60_000_000_000n ? 1n : 0n);
};
