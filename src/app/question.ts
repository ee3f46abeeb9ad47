import { DeclaredError } from "../base/fault.ts";
import { limits } from "../base/limits.ts";
import { readWishes } from "../contract/capability.ts";
import type { OutputSink, Stdio } from "../host/provider.ts";
import type { VerifiedComponent } from "../trust/verify.ts";
import { kindOf, type WrittenGrant } from "../trust/written.ts";
import type { Ask } from "./ask.ts";
import { forgetTyped, givesLines } from "./tty.ts";

// Questions that come up while a component runs: which host, which program it wants is known at the call alone. They
// share the terminal with the component, so both are kept from taking what was typed for the other.

/** What of a terminal questions need to know; tests have none. */
export interface Tty {
  readonly givesLines: () => boolean;
  readonly forgetTyped: () => void;
}

const standard: Tty = { givesLines: () => givesLines(0), forgetTyped: () => forgetTyped(0) };

export interface Asking {
  /** What the component reads, which waits while a question is open. */
  readonly stdin: Stdio["stdin"];
  /** Where it writes, which waits as well: it must not paint over the question, or beside it. */
  readonly stdout: OutputSink;
  readonly stderr: OutputSink;
  readonly ask: (grant: WrittenGrant) => Promise<boolean>;
}

/**
 * Asks for single grants of one component, one after the other, each once and `questionsMax` in all: whoever is asked
 * without end says yes in the end. Nobody is asked, and the answer is no, while the component reads the terminal or
 * somebody has made it raw.
 */
export const asking = (
  component: VerifiedComponent,
  ask: Ask,
  { stdin, stdout, stderr }: Stdio,
  tty: Tty = standard,
): Asking => {
  const input = new SharedInput(stdin);
  const answers = new Map<string, Promise<boolean>>();
  let last: Promise<unknown> = Promise.resolve();

  const put = async (key: string, grant: WrittenGrant): Promise<boolean> => {
    if (input.busy || !tty.givesLines()) {
      answers.delete(key);
      return false;
    }
    tty.forgetTyped();
    // Whatever the component made of the terminal (hidden text, a scrolling region) ends before the question.
    if (process.env.TERM !== "dumb") await stderr.write(plainTerminal);
    try {
      return await input.alone(() => ask(component, [grant], reasonFor(component, grant)));
    } catch (error) {
      // The end of the input is no answer, and so no.
      if (error instanceof DeclaredError) return false;
      throw error;
    }
  };

  return {
    stdin: input,
    stdout: new SharedOutput(stdout, input),
    stderr: new SharedOutput(stderr, input),
    ask(grant) {
      const key = `${grant.kind} ${grant.value}`;
      const known = answers.get(key);
      if (known) return known;
      if (answers.size >= limits.questionsMax) return Promise.resolve(false);
      const answer = last.then(() => put(key, grant));
      last = answer.catch(() => {});
      answers.set(key, answer);
      return answer;
    },
  };
};

/** DECSTR, SI, SGR 0: the terminal as it begins, with what it shows left as it is. */
const plainTerminal = new TextEncoder().encode("\x1b[!p\x0f\x1b[0m\r");

/** What the component says of the capability by which such a grant is reached. */
const reasonFor = ({ identifier, bytes }: VerifiedComponent, { kind }: WrittenGrant): string => {
  const reasons = readWishes(identifier, bytes).filter(({ name }) => kindOf(name) === kind);
  return reasons.length === 0
    ? "It does not say what for"
    : `It says: ${reasons.map(({ reason }) => reason).join("; ")}`;
};

/** Standard input of a component, which keeps out of it while a question is open. */
class SharedInput implements Pick<Stdio["stdin"], "read" | "isTerminal"> {
  readonly #stdin: Stdio["stdin"];
  #reading = 0;
  #question: Promise<unknown> | undefined;

  constructor(stdin: Stdio["stdin"]) {
    this.#stdin = stdin;
  }

  get isTerminal(): boolean {
    return this.#stdin.isTerminal;
  }

  /** Somebody waits for what is typed next. */
  get busy(): boolean {
    return this.#reading > 0;
  }

  read(max: number): Uint8Array | undefined | Promise<Uint8Array | undefined> {
    if (this.#question) return this.#question.then(() => this.read(max));
    const answer = this.#stdin.read(max);
    if (!(answer instanceof Promise)) return answer;
    this.#reading += 1;
    return answer.finally(() => {
      this.#reading -= 1;
    });
  }

  /** Ends with the open question; undefined where none is. */
  get question(): Promise<unknown> | undefined {
    return this.#question;
  }

  async alone<T>(work: () => Promise<T>): Promise<T> {
    const answer = work();
    const question = answer.catch(() => {});
    this.#question = question;
    try {
      return await answer;
    } finally {
      if (this.#question === question) this.#question = undefined;
    }
  }
}

/** Where a component writes, which waits while a question is open. */
class SharedOutput implements OutputSink {
  readonly #sink: OutputSink;
  readonly #input: SharedInput;

  constructor(sink: OutputSink, input: SharedInput) {
    this.#sink = sink;
    this.#input = input;
  }

  get isTerminal(): boolean {
    return this.#sink.isTerminal;
  }

  write(bytes: Uint8Array): void | Promise<void> {
    const { question } = this.#input;
    if (!question) return this.#sink.write(bytes);
    const kept = bytes.slice();
    return question.then(() => this.write(kept));
  }

  flush(): void | Promise<void> {
    const { question } = this.#input;
    return question ? question.then(() => this.flush()) : this.#sink.flush();
  }
}
