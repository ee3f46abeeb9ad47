import { keep, take } from "loop:kept/timers@0.1.0";
import { subscribeDuration } from "wasi:clocks/monotonic-clock@0.2.12";
import * as http from "wasi:http/types@0.2.12";

const text = (bytes) => String.fromCharCode(...bytes);
const bytes = (ascii) => Uint8Array.from(ascii, (letter) => letter.charCodeAt(0));

let count = 0;
/** How it, or whoever takes its state, shall misbehave. */
let mood = "";
/** Whether the one before kept a timer for it. */
let taken = false;

const moods = {
  traps() {
    throw new Error("Trapped on purpose");
  },
  "never ends"() {
    for (;;) count++;
  },
};

const routes = {
  "/count": () => String(++count),
  "/trap": () => moods.traps(),
  "/slow"(_, ms) {
    subscribeDuration(BigInt(ms) * 1_000_000n).block();
    return String(++count);
  },
  "/mood"(_, wanted) {
    mood = wanted;
    return mood;
  },
  "/keep"() {
    keep("timer", subscribeDuration(1n));
    return "kept";
  },
  "/taken": () => String(taken),
  /** Answers when the request's body has ended. */
  "/length"(request) {
    const body = request.consume();
    const stream = body.stream();
    let length = 0;
    try {
      for (;;) length += stream.blockingRead(65536n).length;
    } catch (error) {
      if ((error?.payload ?? error)?.tag !== "closed") throw error;
    }
    stream[Symbol.dispose]();
    http.IncomingBody.finish(body);
    return `${length} ${++count}`;
  },
};

export const incomingHandler = {
  handle(request, out) {
    const [path, query = ""] = request.pathWithQuery().split("?");
    const content = routes[path](request, decodeURIComponent(query));
    const response = new http.OutgoingResponse(http.Fields.fromList([]));
    const body = response.body();
    http.ResponseOutparam.set(out, { tag: "ok", val: response });
    const stream = body.write();
    stream.blockingWriteAndFlush(bytes(content));
    stream[Symbol.dispose]();
    http.OutgoingBody.finish(body, undefined);
  },
};

export const handover = {
  save() {
    const version = mood === "old" ? "0" : "1";
    const saved = { version, bytes: bytes(`${count} ${mood}`) };
    // What a save that fails has changed is nobody's business.
    count = -1000;
    moods[mood.replace(/^save /, "")]?.();
    count = Number(text(saved.bytes).split(" ")[0]);
    return saved;
  },
  restore(version, state) {
    if (version !== "1") throw `There is no version ${version}`;
    const [number, ...rest] = text(state).split(" ");
    moods[rest.join(" ").replace(/^restore /, "")]?.();
    count = Number(number);
    taken = take("timer") !== undefined;
  },
};
