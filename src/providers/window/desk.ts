// All windows of one instance: what happens to them, in order, and the frames that they show. Owns their count, the
// queue and the clock; refuses to know WIT and what shows them (`screen`); made for an instance when it is first asked
// for, by `window` for guests and by `drive` for whoever calls a guest frame by frame.
import { basename } from "node:path";
import { DeclaredError, declared } from "../../base/fault.ts";
import { writeFileAtomic } from "../../base/files.ts";
import { limits } from "../../base/limits.ts";
import { timed } from "../../base/timings.ts";
import type { InstanceContext } from "../../host/provider.ts";
import type { Pad, What, WindowEvent } from "../event.ts";
import type { Desk as DeskForOthers, Surface } from "../surface.ts";
import { checkSize, checkTitle } from "./bounds.ts";
import { Headless } from "./headless.ts";
import { LatePictures } from "./late.ts";
import { defaultRate, type Pace, RealPace, ScriptedPace } from "./pace.ts";
import { Pane } from "./pane.ts";
import { encodePng } from "./png.ts";
import type { Screen } from "./screen.ts";
import { Recorder, type ScriptEvent } from "./script.ts";
import { sdlScreen } from "./sdl/screen.ts";
import { type Settings, settingsOf } from "./settings.ts";
import { FrameStats } from "./stats.ts";
import { Users, type WindowHand } from "./users.ts";

export class Desk implements DeskForOthers {
  readonly settings: Settings;
  readonly stats = new FrameStats();
  /** Frames a second at most. */
  cap: number | undefined;
  /** Set where the guest wants to end. */
  exitCode: number | undefined;
  readonly #pace: Pace;
  readonly #panes = new Map<number, Pane>();
  readonly #queue: WindowEvent[] = [];
  readonly #listeners = new Map<number, (event: WindowEvent) => void>();
  readonly #drops = new Map<number, string>();
  readonly users = new Users(this);
  readonly #pads = new Map<number, Pad>();
  readonly #recorder: Recorder | undefined;
  #padsWatched = false;
  #screen: Screen | undefined;
  readonly #late = new LatePictures();
  #opened = 0;
  #dropped = 0;
  #scriptAt = 0;
  #dueAt = Infinity;
  #wanted = false;
  #rate: number | undefined;
  #drawn = false;
  #over = false;

  constructor(settings: Settings) {
    this.settings = settings;
    this.#pace = settings.scripted ? new ScriptedPace(!settings.headless) : new RealPace();
    this.#recorder = settings.record === undefined ? undefined : new Recorder(settings.record);
  }

  /** Seconds since the start; of this frame. */
  get time(): number {
    return this.#pace.time;
  }

  get frame(): number {
    return this.#pace.frame;
  }

  get late(): number {
    return this.#pace.late;
  }

  /** How many windows were opened so far, and how many are. */
  get opened(): number {
    return this.#opened;
  }

  get openNow(): number {
    return this.#panes.size;
  }

  /** Those that are open, in the order of opening. */
  get panes(): Pane[] {
    return [...this.#panes.values()];
  }

  /** Nothing more is to come: the guest stopped, the last frame is over, or every window is closed and all was told. */
  get over(): boolean {
    return (
      this.#over ||
      this.exitCode !== undefined ||
      (this.#opened > 0 && this.#panes.size === 0 && this.#queue.length === 0)
    );
  }

  /** A guest with a loop of its own is to end; one that closed its windows ends by itself. */
  get ended(): boolean {
    return this.#over || this.exitCode !== undefined;
  }

  /** What shows its windows, from when somebody asks. Faults: LK0731, LK0732. */
  get screen(): Screen {
    if (this.#screen) return this.#screen;
    const { headless, library } = this.settings;
    this.#screen = timed("display", () => (headless ? new Headless() : sdlScreen(library)));
    this.#screen.onFile = (path) => this.#fileDropped(path);
    return this.#screen;
  }

  /** Refuses a size that a window may not have, alone or with the others. */
  admit(width: number, height: number, changed?: Pane): void {
    const others = this.panes.filter((pane) => pane !== changed);
    checkSize(width, height, others);
  }

  open(title: string, width: number, height: number): Pane {
    checkTitle(title);
    this.admit(width, height);
    if (this.#panes.size >= limits.windowsMax) throw declared({ tag: "too-many" });
    const id = this.#opened + 1;
    let pane: Pane | undefined;
    const shown = said(() =>
      this.screen.open(title, { width, height }, (what) => pane?.isOpen && this.#heard(pane, what)),
    );
    this.#opened = id;
    pane = new Pane(id, title, shown, {
      closed: (closed) => {
        this.#panes.delete(closed.id);
        this.users.forget(closed);
        this.#tell(closed.id, { tag: "closed" });
        this.#listeners.delete(closed.id);
      },
      drawn: () => {
        this.#drawn = true;
      },
      drawnLate: () => this.#showAll(),
      hold: (work) => this.#late.add(work),
    });
    this.#panes.set(id, pane);
    this.#rate = undefined;
    return pane;
  }

  listen(surface: Surface, listener: (event: WindowEvent) => void): () => void {
    const before = this.#listeners.get(surface.id);
    this.#listeners.set(surface.id, listener);
    return () => {
      if (this.#listeners.get(surface.id) !== listener) return;
      // Who listened before goes on where the one that was to take its place has failed.
      if (before) this.#listeners.set(surface.id, before);
      else this.#listeners.delete(surface.id);
    };
  }

  /** Wants a frame, now or in so many seconds. */
  want(seconds = 0): void {
    if (seconds <= 0) this.#wanted = true;
    else this.#dueAt = Math.min(this.#dueAt, this.#pace.now() + seconds);
  }

  /** Those that are connected. Asking for the first time begins their events. */
  pads(): Pad[] {
    if (!this.#padsWatched) {
      this.#padsWatched = true;
      this.screen.watchPads((what) => {
        if (this.#heardScript()) return;
        this.#record(undefined, what);
        this.#tell(0, what);
      });
    }
    return [...this.#pads.values()];
  }

  /** The path of a dropped file; given out once. */
  takeDrop(drop: number): string | undefined {
    const path = this.#drops.get(drop);
    this.#drops.delete(drop);
    return path;
  }

  /** The next event that is waiting. */
  take(): WindowEvent | undefined {
    return this.#queue.shift();
  }

  /** Ends the frame before and waits for the next one; false where there is none. `moving` wants it at once. */
  async next(moving: boolean): Promise<boolean> {
    await this.finishFrame();
    if (this.over) return false;
    const wanted = moving || this.#wanted;
    await this.#pace.next({
      moving: wanted,
      happened: () => this.#happened(),
      rate: this.#displayRate(),
      cap: this.cap,
    });
    this.#collect();
    // What was told last is taken before it ends.
    return !this.over;
  }

  /** Whether a frame was asked for since the last; asking again says no. */
  takeWish(): boolean {
    const due = this.#pace.now() >= this.#dueAt;
    const wished = this.#wanted || due;
    this.#wanted = false;
    if (due) this.#dueAt = Infinity;
    return wished;
  }

  /** `polling.next-frame`: the answer's time, or undefined at the end. */
  async nextFrame(): Promise<number> {
    await this.next(true);
    return this.time;
  }

  /** `polling.next-event`; undefined after the time, or at the end. */
  async nextEvent(seconds: number | undefined): Promise<WindowEvent | undefined> {
    const left = seconds === undefined ? Infinity : Math.min(Math.max(0, seconds), limits.windowSecondsMax);
    this.#collect();
    if (this.#queue.length === 0 && left > 0) {
      this.#showAll();
      if (this.settings.scripted) await this.#waitScripted(left);
      else await this.#pace.rest(left, () => this.#happened());
    }
    return this.#queue.shift();
  }

  /** Shows and keeps what a frame has come to. */
  async finishFrame(): Promise<void> {
    const frame = this.#pace.frame;
    const screenshots = this.settings.screenshots.get(frame) ?? [];
    await this.#late.settle(screenshots.length > 0);
    this.#showAll();
    for (const path of screenshots) await this.#screenshot(path);
    if (frame >= this.settings.lastFrame) this.#over = true;
  }

  /** Closes every window and lets go of the screen. */
  end(): void {
    this.#over = true;
    for (const pane of this.panes) pane.close();
    this.#screen?.close();
    this.#screen = undefined;
    this.#recorder?.close();
    this.#queue.length = 0;
    this.#drops.clear();
  }

  #showAll(): void {
    this.#drawn = false;
    const startMs = performance.now();
    for (const pane of this.#panes.values()) pane.show();
    this.stats.shown(performance.now() - startMs);
  }

  async #waitScripted(seconds: number): Promise<void> {
    const end = this.time + seconds;
    while (this.#queue.length === 0 && this.time < end && !this.over) await this.next(true);
  }

  #happened(): boolean {
    this.#collect();
    // A guest with a loop of its own presents while it waits for events.
    if (this.#drawn) this.#showAll();
    return this.#queue.length > 0 || this.#wanted || this.over || this.#pace.now() >= this.#dueAt;
  }

  /** Takes what its screen has to say, and what the script says for this frame. */
  #collect(): void {
    this.#screen?.poll();
    const { script } = this.settings;
    for (;;) {
      const event = script?.events[this.#scriptAt];
      if (!event || event.frame > this.#pace.frame) return;
      this.#scriptAt++;
      this.#play(event);
    }
  }

  #play({ window, what }: ScriptEvent): void {
    const pane = window === undefined ? this.#panes.values().next().value : this.#panes.get(window);
    if (what.tag === "drop-path") {
      const dropped = pane && this.#fileDropped(what.val);
      if (dropped) this.#tell(pane.id, dropped);
    } else if (what.tag.startsWith("pad-")) this.#tell(0, what);
    else if (!pane) return;
    // The window itself says what came of it.
    else if (what.tag === "resized") pane.shown?.resize(what.val.width, what.val.height);
    else this.#meant(pane, what);
  }

  /** Whether a script plays the person, who then is not heard. */
  #heardScript(): boolean {
    return this.settings.script !== undefined;
  }

  /** A screen says what happened to a window. */
  #heard(pane: Pane, what: What): void {
    // What the window tells of itself counts in any case; so does the wish to close it.
    const isOfWindow = what.tag === "resized" || what.tag === "placed" || what.tag === "close-asked";
    if (this.#heardScript() && !isOfWindow) return;
    // Nobody looks at a scripted run's own windows: they are as focused and shown as the script says.
    if (this.settings.scripted && ["placed", "focused", "unfocused", "shown", "hidden"].includes(what.tag))
      return;
    if (what.tag === "file-dropped")
      this.#record(pane.id, { tag: "drop-path", val: this.#drops.get(what.val.drop)! });
    else if (what.tag !== "placed") this.#record(pane.id, what);
    if (what.tag === "resized") pane.resized(what);
    this.#meant(pane, what);
  }

  #meant(pane: Pane, what: What): void {
    if (what.tag === "close-asked" && pane.closesItself) pane.close();
    else this.#tell(pane.id, what);
  }

  #tell(window: number, what: What): void {
    if (what.tag === "pad-connected") this.#pads.set(what.val.pad, what.val);
    if (what.tag === "pad-disconnected") this.#pads.delete(what.val);
    const event = { window, time: this.#pace.now(), what };
    const listener = this.#listeners.get(window);
    if (listener) listener(event);
    else if (this.#queue.length >= limits.windowEventsMax) this.stats.lost++;
    else this.#queue.push(event);
  }

  #record(window: number | undefined, what: ScriptEvent["what"]): void {
    this.#recorder?.write({ frame: Math.floor(this.#pace.now() * defaultRate) + 1, window, what });
  }

  #fileDropped(path: string): What | undefined {
    const drop = ++this.#dropped;
    this.#drops.set(drop, path);
    // The oldest makes room: nobody has taken it so far.
    if (this.#drops.size > limits.windowDropsMax) this.#drops.delete(this.#drops.keys().next().value!);
    return { tag: "file-dropped", val: { drop, name: basename(path) } };
  }

  async #screenshot(path: string): Promise<void> {
    const [pane] = this.#panes.values();
    const picture = await pane?.screenshot();
    if (picture) writeFileAtomic(path, encodePng(picture.rgba, picture.width, picture.height));
  }

  #displayRate(): number {
    this.#rate ??= this.#screen?.displays()[0]?.rate || defaultRate;
    return this.#rate;
  }
}

/** What the screen refuses reaches the guest in the screen's words. */
const said = <T>(work: () => T): T => {
  try {
    return work();
  } catch (error) {
    if (error instanceof DeclaredError || !(error instanceof Error) || error.name !== "Error") throw error;
    throw declared({ tag: "other", val: error.message });
  }
};

const desks = new WeakMap<object, Desk>();

/**
 * The desk of an instance; the same for all who ask with its context, and that of the instance whose place it takes:
 * windows stay as they are while what draws in them is swapped. Faults as `settingsOf`.
 */
export const deskOf = (context: InstanceContext): Desk => {
  const key = context.shared ?? context;
  const known = desks.get(key);
  if (known) return known;
  const desk = inherited(context) ?? new Desk(settingsOf(context.screen));
  desks.set(key, desk);
  desk.users.join(key);
  context.onDrop(() => desk.users.leave(key));
  return desk;
};

const inherited = ({ before }: InstanceContext): Desk | undefined =>
  before && desks.get(before.shared ?? before);

/** An instance's way to windows on its desk. */
export const handOf = (context: InstanceContext): WindowHand =>
  deskOf(context).users.handFor(context.shared ?? context);

/** Whether an instance has ended the program, or would if it served. */
export const endedBy = (context: InstanceContext): boolean =>
  deskOf(context).users.endedBy(context.shared ?? context);

/** How many open windows an instance has. */
export const windowsOf = (context: InstanceContext): number =>
  deskOf(context).users.ownedBy(context.shared ?? context);
