import { lstatSync, readdirSync, rmSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { errno, Fault, fault } from "../../base/fault.ts";
import { limits } from "../../base/limits.ts";
import { readAnswer, versionOf } from "./answer.ts";
import { controlFolder, pidOf, socketName } from "./folder.ts";
import { type Answer, controlVersion, type Question, type State } from "./protocol.ts";

/** What there is to know of a program; only its number where it does not answer. */
export type Known = State | { readonly pid: number; readonly trouble: string };

/** Programs of loop that run, by their numbers. What earlier ones left behind is taken away. */
export const listPrograms = async (): Promise<Known[]> => {
  const folder = controlFolder();
  const pids = readdirSync(folder)
    .filter((name) => isSocket(join(folder, name)))
    .flatMap((name) => pidOf(name) ?? []);
  const found = await Promise.all(pids.map((pid) => stateOf(folder, pid)));
  return found.flatMap((one) => one ?? []).sort((a, b) => a.pid - b.pid);
};

/** Anything else that somebody has put there is theirs. */
const isSocket = (path: string): boolean => {
  try {
    return lstatSync(path).isSocket();
  } catch (error) {
    if (errno(error) === "ENOENT") return false;
    throw error;
  }
};

const stateOf = async (folder: string, pid: number): Promise<Known | undefined> => {
  try {
    const answer = await askOnce(
      folder,
      pid,
      { loop: controlVersion, ask: "state" },
      limits.controlStateMsMax,
    );
    return "state" in answer ? answer.state : { pid, trouble: `Program ${pid} answers what was not asked` };
  } catch (error) {
    if (error instanceof Gone) return undefined;
    if (error instanceof Fault) return { pid, trouble: error.message };
    throw error;
  }
};

/** The answer to a question. Faults: LK0441, LK0442, LK0443, and what the program answers. */
export const ask = async (pid: number, question: Told<Question>, ms: number): Promise<Answer> => {
  const folder = controlFolder();
  try {
    return await askOnce(folder, pid, { loop: controlVersion, ...question } as Question, ms);
  } catch (error) {
    throw error instanceof Gone ? await unknown(pid) : error;
  }
};

type Told<T> = T extends unknown ? Omit<T, "loop"> : never;

/** How many numbers fit a sentence. */
const programsShown = 10;

const unknown = async (pid: number) => {
  const pids = (await listPrograms()).map((one) => one.pid);
  const shown = pids.slice(0, programsShown).join(", ") || "none";
  const more = pids.length > programsShown ? ` and ${pids.length - programsShown} more` : "";
  return fault("LK0441", `No program of loop with the number ${pid} runs; those that run: ${shown}${more}`, {
    hint: "loop ps",
  });
};

/** Nobody listens there. */
export class Gone extends Error {}

const askOnce = async (folder: string, pid: number, question: Question, ms: number): Promise<Answer> => {
  const answers = new Answers(folder, pid, question);
  const timer = setTimeout(
    () => answers.fail(fault("LK0442", `Program ${pid} did not answer within ${ms} ms; it may be computing`)),
    ms,
  );
  try {
    const answer = await answers.next();
    if (!answer) throw fault("LK0442", `Program ${pid} ended before it answered`, { hint: "loop ps" });
    return answer;
  } finally {
    clearTimeout(timer);
    answers.end();
  }
};

/** What a program answers, one after the other. */
export class Answers {
  readonly #pid: number;
  readonly #socket: Socket;
  readonly #ready: Answer[] = [];
  #held = "";
  #ended = false;
  #failure: unknown;
  #wake: () => void = () => {};

  constructor(folder: string, pid: number, question: Question) {
    this.#pid = pid;
    const path = join(folder, socketName(pid));
    this.#socket = connect(path);
    this.#socket.setEncoding("utf8");
    this.#socket.on("data", (piece: string) => this.#take(piece));
    this.#socket.on("close", () => this.fail(undefined));
    this.#socket.on("error", (error) => {
      const gone = ["ECONNREFUSED", "ENOENT", "ENOTSOCK"].includes(errno(error) ?? "");
      // What a program that was killed could not take away.
      if (gone && isSocket(path)) rmSync(path, { force: true });
      this.fail(
        gone ? new Gone() : fault("LK0442", `Program ${pid} cannot be spoken with: ${error.message}`),
      );
    });
    this.#socket.write(`${JSON.stringify(question)}\n`);
  }

  /** Undefined at the end. Throws the fault that the program answers, and Gone where nobody listens. */
  async next(): Promise<Answer | undefined> {
    while (this.#ready.length === 0) {
      if (this.#failure) throw this.#failure;
      if (this.#ended) return undefined;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    const answer = this.#ready.shift()!;
    this.#socket.resume();
    if ("end" in answer) return undefined;
    if (!("fault" in answer)) return answer;
    const { code, message, hint, causes } = answer.fault;
    throw new Fault(code as "LK0442", message, { hint, causes: causes.map((cause) => ({ message: cause })) });
  }

  fail(failure: unknown): void {
    this.#failure ??= failure;
    // What came before something that cannot be understood is not believed either.
    if (failure) this.#ready.length = 0;
    this.end();
  }

  end(): void {
    this.#ended = true;
    this.#socket.destroy();
    this.#wake();
  }

  #take(piece: string): void {
    this.#held += piece;
    const lines = this.#held.split("\n");
    this.#held = lines.pop()!;
    if (this.#held.length > limits.controlAnswerLengthMax) {
      this.fail(fault("LK0442", `Program ${this.#pid} answers without end`));
      return;
    }
    for (const line of lines) {
      const answer = this.#read(line);
      if (!answer) return;
      this.#ready.push(answer);
    }
    // Nobody reads ahead of who asks for more, beyond a handful.
    if (this.#ready.length > 1000) this.#socket.pause();
    this.#wake();
  }

  /** Undefined where it failed. */
  #read(text: string): Answer | undefined {
    const document = parsed(text);
    const version = versionOf(document);
    const other = version !== undefined && version !== controlVersion;
    const answer =
      other || version === undefined ? undefined : readAnswer(document as Record<string, unknown>, this.#pid);
    if (answer) return answer;
    this.fail(
      other
        ? fault("LK0442", `Program ${this.#pid} is of another version of loop`, {
            hint: "use the loop that started it",
          })
        : fault("LK0442", `Program ${this.#pid} does not answer as loop does`),
    );
    return undefined;
  }
}

/** A document; undefined where it is none. */
const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};

/** What is said in a program. Faults: as `ask`. */
export const follow = async (pid: number, past: boolean, future: boolean): Promise<Answers> => {
  // Whether it is there is found out before anybody waits for it.
  await ask(pid, { ask: "state" }, limits.controlStateMsMax);
  return new Answers(controlFolder(), pid, { loop: controlVersion, ask: "follow", past, future });
};
