import { DeclaredError, fault } from "../../../base/fault.ts";
import { limits } from "../../../base/limits.ts";
import { type Event, GuestExit } from "../../../host/provider.ts";
import type { Key, WindowEvent } from "../../event.ts";
import type { Desk, OpenSurface } from "../../surface.ts";
import type { Context } from "./context.ts";
import { surfaceKeyOf } from "./key.ts";

// wasi:surface: a window with its events and frames, as the public proposal has them. The guest waits for them with
// pollables. There is no word for a window that is closed, so closing it ends the guest.

/** What waits for a guest, and who waits for it. */
export class Inbox<T> implements Event {
  readonly #items: T[] = [];
  readonly #wakes = new Set<() => void>();

  push(item: T): void {
    // A guest that never asks for these events keeps the newest.
    if (this.#items.length >= limits.windowEventsMax) this.#items.shift();
    this.#items.push(item);
    this.wake();
  }

  take(): T | undefined {
    return this.#items.shift();
  }

  ready(): boolean {
    return this.#items.length > 0;
  }

  listen(wake: () => void): () => void {
    const own = () => wake();
    this.#wakes.add(own);
    return () => void this.#wakes.delete(own);
  }

  wake(): void {
    for (const wake of [...this.#wakes]) wake();
  }
}

/** Frames come when somebody waits for one. */
class Frames extends Inbox<object> {
  readonly #desk: Desk;
  readonly #surface: OpenSurface;
  #asked = false;
  #end: unknown;

  constructor(desk: Desk, surface: OpenSurface) {
    super();
    this.#desk = desk;
    this.#surface = surface;
  }

  override ready(): boolean {
    if (!this.#surface.isOpen || this.#desk.ended) throw new GuestExit(this.#desk.exitCode ?? 0);
    if (this.#end) throw this.#end;
    if (!super.ready()) this.#ask();
    return super.ready();
  }

  #ask(): void {
    if (this.#asked) return;
    this.#asked = true;
    this.#desk
      .nextFrame()
      .then(
        () => this.push({ nothing: false }),
        (reason: unknown) => {
          this.#end = reason;
          this.wake();
        },
      )
      .finally(() => {
        this.#asked = false;
      });
  }
}

export interface WireCreate {
  readonly width?: number | undefined;
  readonly height?: number | undefined;
}

interface Point {
  readonly x: number;
  readonly y: number;
}

const sizeByDefault = { width: 640, height: 480 };

/** A window with what happened to it, in the words of the proposals. */
export class Surface {
  protected readonly surface: OpenSurface;
  protected readonly resizes = new Inbox<{ width: number; height: number }>();
  protected readonly pointerUps = new Inbox<Point>();
  protected readonly pointerDowns = new Inbox<Point>();
  protected readonly pointerMoves = new Inbox<Point>();
  protected readonly keyUps = new Inbox<object>();
  protected readonly keyDowns = new Inbox<object>();
  #over = false;

  /** LK0743 where the window cannot be opened. */
  constructor(desk: Desk, title: string, { width, height }: WireCreate) {
    this.surface = opened(() =>
      desk.open(title, width ?? sizeByDefault.width, height ?? sizeByDefault.height),
    );
    desk.listen(this.surface, (event) => this.#heard(event));
  }

  width(): number {
    return this.surface.width;
  }

  height(): number {
    return this.surface.height;
  }

  requestSetSize(height?: number, width?: number): void {
    const { scale } = this.surface;
    const bounded = (side: number) => Math.max(1, Math.min(side, limits.windowPointsMax));
    this.surface.setSize(
      bounded(width ?? Math.round(this.surface.width / scale)),
      bounded(height ?? Math.round(this.surface.height / scale)),
    );
  }

  [Symbol.dispose](): void {
    this.surface.close();
  }

  /** Nothing more will happen to it. */
  protected get over(): boolean {
    return this.#over;
  }

  /** Wakes whoever waits, so that it finds that it is over. */
  protected finish(): void {
    this.#over = true;
    for (const inbox of [
      this.resizes,
      this.pointerUps,
      this.pointerDowns,
      this.pointerMoves,
      this.keyUps,
      this.keyDowns,
    ])
      inbox.wake();
  }

  #heard({ what }: WindowEvent): void {
    if (what.tag === "resized")
      this.resizes.push({ width: what.val.pixelWidth, height: what.val.pixelHeight });
    else if (what.tag === "pointer-down") this.pointerDowns.push(this.#pixels(what.val));
    else if (what.tag === "pointer-up") this.pointerUps.push(this.#pixels(what.val));
    else if (what.tag === "pointer-moved") this.pointerMoves.push(this.#pixels(what.val));
    else if (what.tag === "key-down") this.keyDowns.push(keyEvent(what.val));
    else if (what.tag === "key-up") this.keyUps.push(keyEvent(what.val));
    else if (what.tag === "closed") this.finish();
  }

  #pixels({ x, y }: Point): Point {
    const { scale } = this.surface;
    return { x: x * scale, y: y * scale };
  }
}

/** The class for one instance: its windows are on that instance's desk. */
export const surfaceClass = (deskHere: () => Desk, title: string, pollable: (event: Event) => object) =>
  class PolledSurface extends Surface {
    readonly #frames: Frames;

    constructor(wish: WireCreate) {
      const desk = deskHere();
      super(desk, title, wish);
      this.#frames = new Frames(desk, this.surface);
    }

    connectGraphicsContext(context: Context): void {
      context.showOn(this.surface);
    }

    subscribeResize() {
      return pollable(this.resizes);
    }
    getResize() {
      return this.resizes.take();
    }
    subscribePointerUp() {
      return pollable(this.pointerUps);
    }
    getPointerUp() {
      return this.pointerUps.take();
    }
    subscribePointerDown() {
      return pollable(this.pointerDowns);
    }
    getPointerDown() {
      return this.pointerDowns.take();
    }
    subscribePointerMove() {
      return pollable(this.pointerMoves);
    }
    getPointerMove() {
      return this.pointerMoves.take();
    }
    subscribeKeyUp() {
      return pollable(this.keyUps);
    }
    getKeyUp() {
      return this.keyUps.take();
    }
    subscribeKeyDown() {
      return pollable(this.keyDowns);
    }
    getKeyDown() {
      return this.keyDowns.take();
    }
    subscribeFrame() {
      return pollable(this.#frames);
    }
    getFrame() {
      return this.#frames.take();
    }

    /** Whoever waits for frames is woken, and finds that there are none. */
    protected override finish(): void {
      super.finish();
      this.#frames.wake();
    }
  };

/** The interface has no error for a window that is too large, or one too many: LK0743. */
const opened = (open: () => OpenSurface): OpenSurface => {
  try {
    return open();
  } catch (error) {
    if (!(error instanceof DeclaredError)) throw error;
    const { tag, val } = error.payload as { tag: string; val?: string };
    throw fault("LK0743", val ?? `A surface cannot be opened: ${tag}`);
  }
};

const keyEvent = ({ code, key, modifiers }: Key): object => ({
  key: surfaceKeyOf(code),
  // What it types: names of keys are longer than a character.
  text: [...key].length === 1 ? key : undefined,
  altKey: modifiers.alt,
  ctrlKey: modifiers.control,
  metaKey: modifiers.meta,
  shiftKey: modifiers.shift,
});
