import { chmodSync, rmSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { join } from "node:path";
import { Fault } from "../../base/fault.ts";
import { limits } from "../../base/limits.ts";
import { causeText } from "../../host/crossing.ts";
import type { Places, SwapEvent } from "../../host/places.ts";
import { controlFolder, socketName } from "./folder.ts";
import type { Journal, Line } from "./journal.ts";
import { type Answer, controlVersion, type Question } from "./protocol.ts";

/** What others may see of this process, and change. */
export interface Controlled {
  readonly what: string;
  readonly folder: string;
  readonly sinceMs: number;
  readonly places: Places;
  readonly journal: Journal;
}

/**
 * Listens for `loop ps` and the like. It keeps no process alive, and goes with it. Where it cannot listen nobody can
 * see this process, and it runs all the same. The answer ends it.
 */
export const listen = (controlled: Controlled): (() => void) => {
  const { places, journal } = controlled;
  const path = addressOf();
  if (path === undefined) return () => {};
  // One of an earlier process with this number.
  rmSync(path, { force: true });
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    socket.unref();
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    socket.on("error", () => socket.destroy());
    if (sockets.size > limits.controlPeersMax) socket.destroy();
    else serve(socket, controlled);
  });
  server.on("error", () => server.close());
  server.listen(path, () => chmodSync(path, 0o600));
  server.unref();
  const unlisten = places.listen((event) => journal.add(lineOf(event)));
  const end = () => {
    unlisten();
    server.close();
    for (const socket of sockets) socket.destroy();
    rmSync(path, { force: true });
  };
  process.on("exit", () => rmSync(path, { force: true }));
  return end;
};

const addressOf = (): string | undefined => {
  try {
    return join(controlFolder(), socketName(process.pid));
  } catch (error) {
    if (error instanceof Fault) return undefined;
    throw error;
  }
};

const serve = (socket: Socket, controlled: Controlled): void => {
  let held = "";
  socket.setEncoding("utf8");
  socket.on("data", (piece: string) => {
    held += piece;
    const at = held.indexOf("\n");
    if (at < 0) {
      if (held.length > limits.controlQuestionLengthMax) socket.destroy();
      return;
    }
    // One question a connection: what follows it is not read.
    socket.removeAllListeners("data");
    socket.resume();
    void answer(socket, held.slice(0, at), controlled);
  });
};

type Told<T = Answer> = T extends unknown ? Omit<T, "loop"> : never;

const tell = (socket: Socket, answer: Told): void => {
  if (!socket.destroyed) socket.write(`${JSON.stringify({ loop: controlVersion, ...answer })}\n`);
};

const answer = async (socket: Socket, text: string, controlled: Controlled): Promise<void> => {
  try {
    const question = JSON.parse(text) as Question;
    if (question.loop !== controlVersion) throw new SyntaxError(`version ${question.loop}`);
    if (question.ask === "follow") {
      follow(socket, question, controlled);
      return;
    }
    tell(socket, question.ask === "swap" ? await swap(question, controlled) : { state: stateOf(controlled) });
  } catch (error) {
    tell(socket, { fault: wireOf(error) });
  }
  socket.end();
};

const stateOf = ({ what, folder, sinceMs, places }: Controlled) => ({
  pid: process.pid,
  what,
  folder,
  since: sinceMs,
  places: places.names.map((name) => ({ name, standing: places.at(name) })),
});

const swap = async (
  { place, identifier, grants }: Extract<Question, { ask: "swap" }>,
  { places }: Controlled,
) => {
  if (typeof place !== "string" || typeof identifier !== "string") throw new SyntaxError("no swap");
  // Whoever may open this socket is the person, and these are their words.
  const done = await places.swap(place, { identifier, ...(grants && { grants, agreed: true }) });
  return {
    swapped: done.map(({ from, to, generation, state, parts }) => ({
      ...{ from, to, generation, state },
      ms: parts.reduce((sum, part) => sum + part.ms, 0),
    })),
  };
};

const follow = (
  socket: Socket,
  { past, future }: Extract<Question, { ask: "follow" }>,
  { journal }: Controlled,
): void => {
  let lost = 0;
  const pass = (line: Line) => {
    // Who does not read is told how much there was, later.
    if (socket.writableLength > limits.controlUnreadBytesMax) {
      lost++;
      return;
    }
    if (lost > 0) {
      const message = `${lost} lines were not read in time`;
      tell(socket, { line: { at: Date.now(), kind: "lost", level: "warn", component: "loop", message } });
    }
    lost = 0;
    tell(socket, { line });
  };
  if (past) for (const line of journal.lines(future)) tell(socket, { line });
  if (future) socket.on("close", journal.listen(pass));
  else {
    tell(socket, { end: true });
    socket.end();
  }
};

const wireOf = (error: unknown) => {
  if (error instanceof Fault) {
    const { code, message, hint, causes } = error;
    return { code, message, hint, causes: causes.map(causeText) };
  }
  const message = `Its program of loop does not understand what was asked: ${(error as Error).message}`;
  return { code: "LK0442", message, hint: "use the loop that started it", causes: [] };
};

const lineOf = (event: SwapEvent): Omit<Line, "at"> => {
  if ("failed" in event) {
    const why = event.failed instanceof Fault ? event.failed.message : String(event.failed);
    return { kind: "swap", level: "error", component: event.place, message: `was not swapped: ${why}` };
  }
  if ("arranged" in event) {
    const { place, fillings, ms } = event.arranged;
    const message = `is filled by ${fillings.join(", ") || "nothing"} now (${ms.toFixed(1)} ms)`;
    return { kind: "swap", level: "info", component: place, message };
  }
  const { place, generation, parts } = event.swapped;
  const ms = parts.reduce((sum, part) => sum + part.ms, 0).toFixed(1);
  const message = `is filled by ${event.identifier} now (${ms} ms, generation ${generation})`;
  return { kind: "swap", level: "info", component: place, message };
};
