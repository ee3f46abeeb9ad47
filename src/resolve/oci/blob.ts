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
    partial.finish();
    return partial.bytes;
  } finally {
    partial.close();
  }
};

class Download {
  readonly #request: BlobRequest;
  readonly #partial: Partial;
  #done: number;
  #spans: Span[] = [];
  #failed = false;

  constructor(request: BlobRequest, partial: Partial, done: number) {
    this.#request = request;
    this.#partial = partial;
    this.#done = done;
  }

  async run(spans: readonly Span[]): Promise<void> {
    const { size } = this.#request.layer;
    this.#spans = [...spans];
    const first = this.#spans.shift();
    if (!first) return;
    // The first request tells whether the registry gives parts: one that does not gives everything.
    const isWhole =
      first.from === 0 && this.#spans.length * limits.fetchChunkBytes < size && spans.length > 0;
    let more: Promise<unknown> = Promise.resolve();
    const onPart = () => {
      const workers = Math.min(limits.fetchParallelMax - 1, this.#spans.length);
      more = Promise.all(Array.from({ length: workers }, () => this.#work()));
      // Waited for below; what fails meanwhile must not count as nobody's.
      more.catch(() => {});
    };
    await this.#attempts(first, onPart, isWhole);
    await more;
    await this.#work();
  }

  /** Takes spans until none is left. */
  async #work(): Promise<void> {
    for (let span = this.#spans.shift(); span && !this.#failed; span = this.#spans.shift())
      await this.#attempts(span);
  }

  /** One span, tried again where it breaks off, from where it broke off. */
  async #attempts(span: Span, onPart = () => {}, isFirst = false): Promise<void> {
    let at = span.from;
    const take = (part: Uint8Array) => {
      this.#partial.write(at, part);
      at += part.length;
      this.#done += part.length;
      this.#request.onProgress?.(this.#done);
    };
    for (let attempt = 1; ; attempt++)
      try {
        return await this.#once({ from: at, to: span.to }, take, onPart, isFirst && at === 0);
      } catch (error) {
        const again = error instanceof Fault && ["LK0109", "LK0110", "LK0115"].includes(error.code);
        if (again && attempt < limits.fetchAttemptsMax && !this.#failed) {
          await Bun.sleep(100 * 2 ** attempt * Math.random());
          continue;
        }
        this.#failed = true;
        throw error;
      }
  }

  async #once(
    { from, to }: Span,
    take: (part: Uint8Array) => void,
    onPart: () => void,
    isFirst: boolean,
  ): Promise<void> {
    const { registry, repository, layer, what } = this.#request;
    const whole = from === 0 && to === layer.size;
    const answer = await registry.send(`/v2/${repository}/blobs/${layer.digest}`, {
      repository,
      ...(!whole && { headers: { range: `bytes=${from}-${to - 1}` } }),
    });
    if (answer.status === 206 && !whole) {
      requireRange(answer, from, what);
      onPart();
      return exactly(answer, to - from, take, what);
    }
    if (answer.status !== 200) {
      await answer.drop();
      throw refused(what, answer);
    }
    if (whole) return exactly(answer, layer.size, take, what);
    if (!isFirst) {
      await answer.drop();
      throw fault("LK0115", `${what} was asked for in parts, and ${registry.host} gives it whole`, {
        hint: "try again",
      });
    }
    // No parts here: what was left to others comes now.
    this.#spans = [];
    return exactly(answer, layer.size, take, what);
  }
}

const requireRange = (answer: HttpAnswer, from: number, what: string): void => {
  const range = answer.headers.get("content-range") ?? "";
  if (range.startsWith(`bytes ${from}-`)) return;
  throw fault("LK0115", `Bytes from ${from} on of ${what} were asked for, and others came`);
};

/** Reads a body that has exactly so many bytes. Faults: LK0115, those of reading. */
const exactly = async (
  answer: HttpAnswer,
  size: number,
  take: (part: Uint8Array) => void,
  what: string,
): Promise<void> => {
  let count = 0;
  await answer.read((part) => {
    count += part.length;
    if (count > size)
      throw fault("LK0115", `${what} has ${size} bytes by its manifest, and more came`, {
        hint: "tell whoever runs the registry",
      });
    take(part);
  });
  if (count !== size)
    throw fault("LK0115", `${what} has ${size} bytes by its manifest, and ${count} came`, {
      hint: "try again",
    });
};
