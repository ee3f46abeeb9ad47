import { declared, errno } from "../../base/fault.ts";
import { cannotWrite } from "../../base/files.ts";
import { limits } from "../../base/limits.ts";
import type { InstanceContext, InterfaceImplementation } from "../../host/provider.ts";
import type { CliSettings } from "./index.ts";

/** `loop:cli/terminal` over the instance's own streams. */
export const terminal = (
  { stdio }: Pick<InstanceContext, "stdio">,
  settings: CliSettings,
): InterfaceImplementation => {
  const lines = new LineReader(stdio.stdin);
  const say = (text: string) => stdio.stderr.write(encoder.encode(text));
  const answer = async (question: string): Promise<string> => {
    await say(question);
    const line = await lines.next();
    if (line === undefined) {
      // The cursor stands behind the question.
      await say("\n");
      throw declared(refusal("LK0005", "The question was not answered"));
    }
    return line.trim();
  };
  const require = (question: string) => {
    if (!settings.interactive())
      throw declared(
        refusal("LK0003", `An answer was looked for ("${question}"), and there is no terminal to ask on`),
      );
  };
  return {
    write: async (text: string) => {
      try {
        await stdio.stdout.write(encoder.encode(text));
      } catch (error) {
        throw errno(error) ? cannotWrite("standard output", error) : error;
      }
    },
    note: (text: string) => say(`${text}\n`),
    styled: () => settings.styled(),
    columns: () => settings.columns(),
    rows: () => settings.rows(),
    async ask(question: string, standard: string | undefined) {
      require(question);
      return (
        (await answer(`${question}${standard === undefined ? "" : ` [${standard}]`} `)) || (standard ?? "")
      );
    },
    async askSecret(question: string) {
      if (!stdio.stdin.isTerminal) {
        const line = await lines.next();
        if (line !== undefined) return line.replace(/\r$/, "");
        throw declared(
          refusal(
            "LK0003",
            `A secret was looked for ("${question}"), and standard input is no terminal and empty`,
            "run it at a terminal, or pipe the secret into it",
          ),
        );
      }
      require(question);
      // Who sees the question may type at once, so nothing is shown from before it.
      return settings.unseen(async () => {
        await say(`${question} `);
        try {
          return await typed(lines);
        } finally {
          await say("\n");
        }
      });
    },
    async choose(question: string, choices: readonly string[], standard: number) {
      require(question);
      if (choices.length === 0)
        throw declared(refusal("LK0003", `"${question}" has no answer to choose from`));
      const width = `${choices.length}`.length;
      const listed = choices.map((choice, at) => `  ${`${at + 1}`.padStart(width)}  ${choice}\n`);
      await say(`${question}\n${listed.join("")}`);
      for (;;) {
        const text = await answer(`1-${choices.length} [${standard + 1}] `);
        const chosen = text === "" ? standard : choiceOf(text, choices);
        if (chosen !== undefined && chosen < choices.length) return chosen;
        await say(`Give a number from 1 to ${choices.length}, or how one of them begins\n`);
      }
    },
  };
};

/** A number from 1, or the beginning of exactly one choice. */
const choiceOf = (text: string, choices: readonly string[]): number | undefined => {
  if (/^\d+$/.test(text)) return Number(text) >= 1 ? Number(text) - 1 : undefined;
  const matching = choices.flatMap((choice, at) => (choice.startsWith(text) ? [at] : []));
  return matching.length === 1 ? matching[0] : undefined;
};

/** What a terminal that does not edit lines gives for keys. */
const pressed = { interrupt: 3, end: 4, backspace: 8, lineFeed: 10, enter: 13, eraseLine: 21, erase: 127 };

/** A line as it is typed, with what a person takes back taken back. Faults: LK0005. */
const typed = async (lines: LineReader): Promise<string> => {
  let bytes: number[] = [];
  for (;;) {
    const byte = await lines.byte();
    if (byte === undefined || byte === pressed.interrupt || (byte === pressed.end && bytes.length === 0))
      throw declared(refusal("LK0005", "The question was not answered"));
    if (byte === pressed.enter || byte === pressed.lineFeed || byte === pressed.end)
      return Buffer.from(bytes).toString();
    if (byte === pressed.erase || byte === pressed.backspace) bytes = withoutLast(bytes);
    else if (byte === pressed.eraseLine) bytes = [];
    else if (bytes.length < limits.answerBytesMax) bytes.push(byte);
  }
};

/** Without the last character, which in UTF-8 begins at the last byte that continues none. */
const withoutLast = (bytes: readonly number[]): number[] => {
  const at = bytes.findLastIndex((byte) => (byte & 0xc0) !== 0x80);
  return bytes.slice(0, Math.max(0, at));
};

const refusal = (code: string, message: string, hint?: string) => ({ code, message, hint, causes: [] });

const encoder = new TextEncoder();

/** Lines of a byte stream; what is read beyond one line is kept for the next question. */
class LineReader {
  readonly #stdin: InstanceContext["stdio"]["stdin"];
  #kept = Buffer.alloc(0);

  constructor(stdin: InstanceContext["stdio"]["stdin"]) {
    this.#stdin = stdin;
  }

  /** The next line without its end, or undefined at the end of the input. */
  async next(): Promise<string | undefined> {
    for (;;) {
      const end = this.#kept.indexOf(10);
      if (end >= 0 || this.#kept.length >= limits.answerBytesMax) return this.#take(end);
      const bytes = await this.#stdin.read(4096);
      if (bytes === undefined) return this.#kept.length > 0 ? this.#take(this.#kept.length) : undefined;
      this.#kept = Buffer.concat([this.#kept, bytes]);
    }
  }

  /** The next byte, or undefined at the end of the input. */
  async byte(): Promise<number | undefined> {
    if (this.#kept.length === 0) {
      const bytes = await this.#stdin.read(4096);
      if (bytes === undefined) return undefined;
      this.#kept = Buffer.from(bytes);
    }
    const [first] = this.#kept;
    this.#kept = this.#kept.subarray(1);
    return first;
  }

  #take(end: number): string {
    const at = end < 0 ? limits.answerBytesMax : end;
    const line = this.#kept.subarray(0, at).toString();
    this.#kept = this.#kept.subarray(at + 1);
    return line;
  }
}
