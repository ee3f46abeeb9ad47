import { type FailureKind, failure } from "./failure.ts";
import type { FieldList } from "./fields.ts";
import type { Later } from "./later.ts";
import { Queue } from "./queue.ts";
import type { ByteSink, ByteSource } from "./streams.ts";

/** A body that comes to the guest. */
export interface IncomingContent {
  readonly source: ByteSource;
  /** What follows the body; undefined where nothing does. Settled once the body is over. */
  readonly trailers: Later<FieldList | undefined>;
  /** The guest wants no more of the body and waits for its end. */
  discard(): void;
  /** The guest wants no more at all. */
  cancel(): void;
}

/** A body that the guest makes: it fills the queue, and whoever sends it reads the queue to its end. */
export class OutgoingContent implements ByteSink {
  readonly queue = new Queue();
  readonly #tooShort: FailureKind;
  #length: number | undefined;
  #written = 0;
  trailers: FieldList | undefined;

  /** `tooShort` is what it is called when the body is not as long as was announced. */
  constructor(tooShort: FailureKind) {
    this.#tooShort = tooShort;
  }

  /** The length that was announced; undefined for none. */
  announce(length: number | undefined): void {
    this.#length = length;
  }

  get length(): number | undefined {
    return this.#length;
  }

  /** Bytes that may still come; undefined where no length was announced. */
  get room(): number | undefined {
    return this.#length === undefined ? undefined : this.#length - this.#written;
  }

  /** More is there to be written than there is room for, and none of it is taken. */
  refuse(bytes: number): never {
    this.#written += bytes;
    throw this.#wrongSize();
  }

  write(bytes: Uint8Array): void | Promise<void> {
    this.#written += bytes.length;
    if (this.#length !== undefined && this.#written > this.#length) throw this.#wrongSize();
    return this.queue.write(bytes);
  }

  flush(): void | Promise<void> {
    return this.queue.flush();
  }

  /** All is written. Throws where it is not as long as was announced. */
  finish(trailers: FieldList | undefined): void {
    if (this.#length !== undefined && this.#written !== this.#length) {
      const wrong = this.#wrongSize();
      this.queue.fail(wrong);
      throw wrong;
    }
    this.trailers = trailers;
    this.queue.end();
  }

  /** Given up half-way: whoever sends it must not make it look whole. */
  abandon(): void {
    this.queue.fail(failure("incomplete", "the body was dropped before it was finished"));
  }

  #wrongSize() {
    return failure(this.#tooShort, `the body has ${this.#written} bytes and ${this.#length} were announced`, {
      size: this.#written,
    });
  }
}
