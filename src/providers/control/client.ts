import { readdirSync, rmSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { errno, Fault, fault } from "../../base/fault.ts";
import { limits } from "../../base/limits.ts";
import { controlFolder, pidOf, socketName } from "./folder.ts";
import { type Answer, controlVersion, type Question, type State } from "./protocol.ts";

/** What there is to know of a program; only its number where it does not answer. */
export type Known = State | { readonly pid: number; readonly trouble: string };

/** Programs of loop that run, by their numbers. What earlier ones left behind is taken away. */
export const listPrograms = async (): Promise<Known[]> => {
  const folder = controlFolder();
  const pids = readdirSync(folder).flatMap((name) => pidOf(name) ?? []);
  const found = await Promise.all(pids.map((pid) => stateOf(folder, pid)));
  return found.flatMap((one) => one ?? []).sort((a, b) => a.pid - b.pid);
};

const stateOf = async (folder: string, pid: number): Promise<Known | undefined> => {
  try {
    const answer = await askOnce(
      folder,
      pid,
      { loop: controlVersion, ask: "state" },
      limits.controlStateMsMax,
    );
    return "state" in answer && isState(answer.state, pid)
      ? answer.state
      : { pid, trouble: `Program ${pid} answers what was not asked` };
  } catch (error) {
    if (error instanceof Gone) return undefined;
    if (error instanceof Fault) return { pid, trouble: error.message };
    throw error;
  }
};

/** Whoever wrote it: what is shown of it has to be what it is shown as. */
const isState = (state: State, pid: number): boolean =>
  state.pid === pid &&
  [state.what, state.folder].every((text) => typeof text === "string") &&
  Number.isSafeInteger(state.since) &&
  Array.isArray(state.places) &&
  state.places.every(
    ({ name, standing }) =>
      typeof name === "string" &&
      Array.isArray(standing) &&
      standing.every(
        (one) =>
          typeof one.identifier === "string" &&
          typeof one.digest === "string" &&
          Number.isSafeInteger(one.generation) &&
          Number.isSafeInteger(one.restarts ?? 0),
      ),
  );

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

const unknown = async (pid: number) => {
  const pids = (await listPrograms()).map((one) => one.pid);
  return fault(
    "LK0441",
    `No program of loop with the number ${pid} runs; those that run: ${pids.join(", ") || "none"}`,
    { hint: "loop ps" },
  );
};

/** Nobody listens there. */
class Gone extends Error {}

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
    this.#socket = connect(join(folder, socketName(pid)));
    this.#socket.setEncoding("utf8");
    this.#socket.on("data", (piece: string) => this.#take(piece));
    this.#socket.on("close", () => this.fail(undefined));
    this.#socket.on("error", (error) => {
      const gone = ["ECONNREFUSED", "ENOENT", "ENOTSOCK"].includes(errno(error) ?? "");
      if (gone) rmSync(join(folder, socketName(pid)), { force: true });
      this.fail(
        gone ? new Gone() : fault("LK0442", `Program ${pid} cannot be spoken with: ${error.message}`),
      );
    });
    this.#socket.write(`${JSON.stringify(question)}\n`);
  }

  /** Undefined at the end. Throws the fault that the program answers. */
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
    try {
      for (const line of lines) this.#ready.push(JSON.parse(line) as Answer);
    } catch {
      this.fail(fault("LK0442", `Program ${this.#pid} does not answer as loop does`));
    }
    const other = this.#ready.find(({ loop }) => loop !== controlVersion);
    if (other)
      this.fail(
        fault("LK0442", `Program ${this.#pid} is of another version of loop`, {
          hint: "use the loop that started it",
        }),
      );
    // Nobody reads ahead of who asks for more, beyond a handful.
    if (this.#ready.length > 1000) this.#socket.pause();
    this.#wake();
  }
}

/** What is said in a program. Faults: as `ask`. */
export const follow = async (pid: number, past: boolean, future: boolean): Promise<Answers> => {
  // Whether it is there is found out before anybody waits for it.
  await ask(pid, { ask: "state" }, limits.controlStateMsMax);
  return new Answers(controlFolder(), pid, { loop: controlVersion, ask: "follow", past, future });
};
