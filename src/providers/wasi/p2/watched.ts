import type { Audit } from "../../../host/audit.ts";
import { after } from "../state/poll.ts";
import type { ByteSink, ByteSource } from "../state/streams.ts";

/** Says what is done with one open file, folder or stream, and through it; nothing where nobody wants to know. */
export class Watched {
  readonly #audit: Audit | undefined;
  readonly #path: string;
  readonly #capability: string;

  /** `path` is the guest's own. */
  constructor(audit: Audit | undefined, path: string, capability = "files") {
    this.#audit = audit;
    this.#path = path;
    this.#capability = capability;
  }

  /** What lies at a path below it, as the guest names it. */
  below(path: string): string {
    return this.#path.endsWith("/") ? this.#path + path : `${this.#path}/${path}`;
  }

  use(action: string, path?: string, bytes?: number): void {
    if (!this.#audit) return;
    const target = path === undefined ? this.#path : this.below(path);
    this.#audit({ capability: this.#capability, action, target, ...(bytes !== undefined && { bytes }) });
  }

  /** The source, saying what is read from it. */
  reading(source: ByteSource): ByteSource {
    if (!this.#audit) return source;
    return {
      read: (max) =>
        after(source.read(max), (bytes) => {
          if (bytes) this.use("read", undefined, bytes.length);
          return bytes;
        }),
    };
  }

  /** The sink, saying what is written to it. */
  writing(sink: ByteSink): ByteSink {
    if (!this.#audit) return sink;
    return {
      flush: () => sink.flush(),
      write: (bytes) => {
        this.use("write", undefined, bytes.length);
        return sink.write(bytes);
      },
    };
  }
}
