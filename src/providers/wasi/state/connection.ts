import type { Socket, SocketHandler } from "bun";
import { Claims } from "../../../host/claims.ts";
import { ClosedPipe } from "../../../host/provider.ts";
import type { OnUse } from "./network.ts";
import { Queue } from "./queue.ts";
import { refusal } from "./refusal.ts";
import { type ByteSink, Input, Output } from "./streams.ts";

type Own = Socket<Connection>;

/**
 * A connected TCP socket: bytes received wait in a bounded queue, and the socket is paused while it is full;
 * what the system does not take at once makes the writer wait.
 */
export class Connection implements ByteSink {
  readonly received = new Queue();
  /** Of the instances that have it: it is closed after the last. */
  readonly claims = new Claims(() => this.close());
  readonly #socket: Own;
  #input: Input | undefined;
  #output: Output | undefined;
  #rest: Uint8Array | undefined;
  #written: PromiseWithResolvers<void> | undefined;
  #endWhenWritten = false;
  #sendClosed = false;
  #closed = false;
  /** The other side ended, or this one did. */
  #orderly = false;
  #failure: unknown;
  /** Called once, when nothing more happens on the socket. */
  onClose: (() => void) | undefined;
  #onUse: ((action: "send" | "receive", bytes: number) => void) | undefined;
  /** Bytes that came before anybody watched. */
  #early = 0;
  /** Called whenever bytes arrive. */
  onData: (() => void) | undefined;

  constructor(socket: Own) {
    this.#socket = socket;
    this.received.onCancel = () => {
      // What still arrives is thrown away; a paused socket would hide that the other side went.
      this.#socket.resume();
    };
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** What a guest reads, of all that share the connection: a look takes bytes off it, which are there for the next one. */
  get input(): Input {
    this.#input ??= new Input(this.received);
    return this.#input;
  }

  /** What a guest writes, of all that share the connection. */
  get output(): Output {
    this.#output ??= new Output(this);
    return this.#output;
  }

  /** From here on says what goes over it; undefined for nobody. `begun` is how it came to be. */
  watch(onUse: OnUse | undefined, target: string, begun: "connect" | "accept" = "connect"): void {
    if (!onUse) return;
    onUse(begun, target);
    this.#onUse = (action, bytes) => onUse(action, target, bytes);
    if (this.#early > 0) this.#onUse("receive", this.#early);
  }

  /** The system's descriptor, while the socket is open. */
  get fd(): number | undefined {
    return this.#closed ? undefined : (this.#socket as unknown as { fd: number }).fd;
  }

  get local(): { readonly address: string; readonly port: number } {
    return { address: this.#socket.localAddress, port: this.#socket.localPort };
  }

  get remote(): { readonly address: string; readonly port: number } {
    return { address: this.#socket.remoteAddress, port: this.#socket.remotePort };
  }

  write(bytes: Uint8Array): void | Promise<void> {
    this.#checkOpen();
    // Of another that shares it: what comes now comes after that.
    if (this.#written) {
      const kept = bytes.slice();
      return this.#written.promise.then(() => this.write(kept));
    }
    this.#onUse?.("send", bytes.length);
    const count = this.#socket.write(bytes);
    if (count < 0) return this.#lost();
    if (count < bytes.length) {
      this.#rest = bytes.slice(count);
      this.#written = Promise.withResolvers();
      return this.#written.promise;
    }
  }

  flush(): void {
    this.#checkOpen();
  }

  /** No more is sent; what was accepted goes out first. */
  endSending(): void {
    if (this.#sendClosed || this.#closed) return;
    this.#sendClosed = true;
    this.#orderly = true;
    if (this.#rest) this.#endWhenWritten = true;
    else this.#socket.shutdown();
  }

  /** No more is wanted; what has arrived and what will is thrown away. */
  endReceiving(): void {
    this.received.end();
    this.received.cancel();
    this.#input?.end();
  }

  /** Lets go of it: what was accepted still goes out, and the other side sees an orderly end. */
  close(): void {
    if (this.#closed) return;
    this.#orderly = true;
    this.received.cancel();
    if (this.#rest) {
      this.#sendClosed = true;
      this.#endWhenWritten = true;
    } else this.#socket.end();
  }

  /** Ends it now, whatever is on its way. */
  terminate(): void {
    this.#orderly = true;
    if (!this.#closed) this.#socket.terminate();
  }

  #checkOpen(): void {
    if (this.#failure !== undefined) {
      const failure = this.#failure;
      this.#failure = undefined;
      throw failure;
    }
    if (this.#closed || this.#sendClosed) throw new ClosedPipe("The connection is closed");
  }

  #lost(): never {
    throw refusal("ECONNRESET", "the connection is gone");
  }

  arrive(bytes: Uint8Array): void {
    this.onData?.();
    if (this.#onUse) this.#onUse("receive", bytes.length);
    else this.#early += bytes.length;
    try {
      const full = this.received.push(bytes);
      if (!full) return;
      this.#socket.pause();
      full.then(
        () => !this.#closed && this.#socket.resume(),
        () => {},
      );
    } catch (error) {
      if (!(error instanceof ClosedPipe)) throw error;
    }
  }

  drain(): void {
    if (!this.#rest) return;
    const count = this.#socket.write(this.#rest);
    if (count >= 0 && count < this.#rest.length) {
      this.#rest = this.#rest.subarray(count);
      return;
    }
    this.#rest = undefined;
    const written = this.#written;
    this.#written = undefined;
    if (count < 0) written?.reject(refusal("ECONNRESET", "the connection is gone"));
    else written?.resolve();
    if (this.#endWhenWritten) this.#socket.shutdown();
  }

  ended(): void {
    this.#orderly = true;
    this.received.end();
  }

  /**
   * The engine tells of a reset as of any close, without an error. Where this side had not ended either, an
   * orderly end would have been told before, so it was none.
   */
  gone(told?: unknown): void {
    if (this.#closed) return;
    this.#closed = true;
    const error = told ?? (this.#orderly ? undefined : refusal("ECONNRESET", "the connection was reset"));
    this.#failure = error;
    if (error === undefined) this.received.end();
    else this.received.fail(error);
    this.#rest = undefined;
    this.#written?.reject(error ?? new ClosedPipe("The connection is closed"));
    this.#written = undefined;
    this.onClose?.();
  }
}

/** What the engine tells of a socket whose `data` is its connection. */
export const connectionHandler: SocketHandler<Connection> = {
  data: (socket, bytes) => socket.data.arrive(new Uint8Array(bytes)),
  drain: (socket) => socket.data.drain(),
  end: (socket) => socket.data.ended(),
  close: (socket, error) => socket.data?.gone(error),
  error: (socket, error) => socket.data?.gone(error),
};
