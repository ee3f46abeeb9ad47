import { Fault, fault } from "../../base/fault.ts";
import { limits } from "../../base/limits.ts";
import { type HttpAnswer, refused } from "../http.ts";
import type { Partial, Span } from "../store/partial.ts";
import type { Store } from "../store/store.ts";
import type { Descriptor } from "./artifact.ts";
import type { Registry } from "./registry.ts";

export interface BlobRequest {
  readonly registry: Registry;
  readonly repository: string;
  readonly layer: Descriptor;
  readonly store: Store;
  /** For reports: "The component of acme/tool:1.2". */
  readonly what: string;
  readonly onProgress?: ((done: number) => void) | undefined;
}

/**
 * Downloads a blob into the store, several parts at once where the registry gives parts, going on with what an earlier
 * attempt left. Faults: LK0105 other bytes, LK0109 to LK0115, LK0006.
 */
export const downloadBlob = async (request: BlobRequest): Promise<Uint8Array> => {
  const { layer, store } = request;
  const partial = store.begin(layer.digest, layer.size);
  try {
    const spans = partial.missing();
    const left = spans.reduce((sum, { from, to }) => sum + to - from, 0);
    const download = new Download(request, partial, layer.size - left);
    await download.run(spans);
    await partial.finish(request.what);
    return partial.bytes;
  } finally {
    await partial.close();
  }
};

/** Thrown to stop reading a body whose rest another request has taken. */
const enough = new Error("the rest is another's");

/**
 * One request streams from the beginning on and takes chunk after chunk. Where that is not done soon, others begin at
 * the end, a chunk at a time, until they meet: a near registry is asked once, a far one several times at once.
 */
class Download {
  readonly #request: BlobRequest;
  readonly #partial: Partial;
  #done: number;
  /** Chunks that nobody has taken, in order. */
  #spans: Span[] = [];
  /** Whether the registry gives parts; known once it has answered. */
  #parts = false;
  #failed = false;

  constructor(request: BlobRequest, partial: Partial, done: number) {
    this.#request = request;
    this.#partial = partial;
    this.#done = done;
  }

  async run(spans: readonly Span[]): Promise<void> {
    this.#spans = [...spans];
    let others: Promise<unknown> = Promise.resolve();
    const timer = setTimeout(() => {
      if (!this.#parts) return;
      const count = Math.min(limits.fetchParallelMax - 1, this.#spans.length - 1);
      others = Promise.all(
        Array.from({ length: Math.max(0, count) }, () => this.#take((list) => list.pop())),
      );
      // Waited for below; what fails meanwhile must not count as nobody's.
      others.catch(() => {});
    }, limits.fetchParallelAfterMs);
    try {
      await this.#take((list) => list.shift(), true);
    } finally {
      clearTimeout(timer);
      await others;
    }
  }

  /** Takes chunks until none is left; who streams goes on into the next while it is free. */
  async #take(next: (spans: Span[]) => Span | undefined, streams = false): Promise<void> {
    for (let span = next(this.#spans); span && !this.#failed; span = next(this.#spans))
      await this.#attempts(span, streams);
  }

  /** One chunk, or a stream of them, tried again from where it broke off. */
  async #attempts(span: Span, streams: boolean): Promise<void> {
    let [at, end] = [span.from, span.to];
    const take = (given: Uint8Array) => {
      for (let part = given; part.length > 0; ) {
        if (at === end) {
          const next = streams ? this.#spans[0] : undefined;
          if (next?.from !== at) throw enough;
          this.#spans.shift();
          end = next.to;
        }
        const count = Math.min(part.length, end - at);
        this.#partial.write(at, part.subarray(0, count));
        part = part.subarray(count);
        at += count;
        this.#done += count;
        this.#request.onProgress?.(this.#done);
      }
    };
    for (let attempt = 1; at < end; attempt++)
      try {
        await this.#once({ from: at, to: streams ? this.#freeFrom(end) : end }, take);
        if (at < end) throw this.#cut(at);
      } catch (error) {
        if (error === enough) return;
        const again = error instanceof Fault && ["LK0109", "LK0110", "LK0115"].includes(error.code);
        if (!again || attempt >= limits.fetchAttemptsMax || this.#failed) {
          this.#failed = true;
          throw error;
        }
        await Bun.sleep(100 * 2 ** attempt * Math.random());
      }
  }

  /** Where the free chunks end that follow a place without a gap. */
  #freeFrom(place: number): number {
    let end = place;
    for (const { from, to } of this.#spans) {
      if (from !== end) break;
      end = to;
    }
    return end;
  }

  #cut(at: number): Fault {
    const { what, layer } = this.#request;
    return fault("LK0115", `${what} has ${layer.size} bytes by its manifest, and it ended after ${at}`, {
      hint: "try again",
    });
  }

  async #once({ from, to }: Span, take: (part: Uint8Array) => void): Promise<void> {
    const { registry, repository, layer, what } = this.#request;
    // A blob of one chunk is asked for as it is: every registry knows that.
    const small = layer.size <= limits.fetchChunkBytes;
    const answer = await registry.send(`/v2/${repository}/blobs/${layer.digest}`, {
      repository,
      ...(!small && { headers: { range: `bytes=${from}-${to - 1}` } }),
    });
    if (answer.status === 206 && !small) {
      requireRange(answer, from, what);
      this.#parts = true;
      return atMost(answer, to - from, take, this.#request);
    }
    if (answer.status !== 200) {
      await answer.drop();
      throw refused(what, answer);
    }
    // Whole, whatever was asked for: what is here already is passed over.
    let skip = from;
    return atMost(
      answer,
      layer.size,
      (part) => {
        const passed = Math.min(skip, part.length);
        skip -= passed;
        take(part.subarray(passed));
      },
      this.#request,
    );
  }
}

const requireRange = (answer: HttpAnswer, from: number, what: string): void => {
  const range = answer.headers.get("content-range") ?? "";
  if (range.startsWith(`bytes ${from}-`)) return;
  throw fault("LK0115", `${what} was asked for from byte ${from} on, and other bytes came`, {
    hint: "tell whoever runs the registry",
  });
};

/** Reads a body of at most so many bytes. Faults: LK0115 where there are more, those of reading. */
const atMost = async (
  answer: HttpAnswer,
  size: number,
  take: (part: Uint8Array) => void,
  { what, layer }: BlobRequest,
): Promise<void> => {
  let count = 0;
  await answer.read((part) => {
    count += part.length;
    if (count > size)
      throw fault("LK0115", `${what} has ${layer.size} bytes by its manifest, and more came`, {
        hint: "tell whoever runs the registry",
      });
    take(part);
  });
};
