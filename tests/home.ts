// Somebody with folders of their own, who starts loop through its front door. Owns, for one file of tests, the folder and
// the processes that were started from it; refuses that either outlives what it was made for, and that anything is waited
// for without end. Called by tests alone.
import { afterAll, afterEach } from "bun:test";
import { mkdirSync, mkdtempSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export const root = join(import.meta.dir, "..");
/** What starts loop from source. */
export const loopWords: readonly [bun: string, main: string] = [process.execPath, join(root, "src/main.ts")];

export type Child = Bun.Subprocess<"ignore", "pipe", "pipe">;

/** How a program ended, and all that it said on either stream. */
export interface Ended {
  readonly out: string;
  readonly said: string;
  readonly code: number;
}

export interface Place {
  /** The home's own folder unless it is said. */
  readonly cwd?: string;
  /** Besides what the home has. */
  readonly env?: Readonly<Record<string, string>>;
}

export interface Home {
  readonly folder: string;
  /** All that a program finds in its environment. What is known only later is added here. */
  readonly env: Record<string, string>;
  /** Any program, which is killed after the test if it still runs then. */
  start(argv: readonly string[], place?: Place): Child;
  /** loop from source, in a folder. */
  spawn(cwd: string, ...words: string[]): Child;
  /** The same, until it has ended. */
  loop(cwd: string, ...words: string[]): Promise<Ended>;
  /** Somebody else, whose folder lies in this one. */
  person(name: string): Home;
}

/** For a file of tests, which `name` tells from others; `env` is what a program has besides folders, or instead of them. */
export const homeFor = (name: string, env: Readonly<Record<string, string>> = {}): Home => {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), `loop-${name}-`)));
  const running: Child[] = [];
  afterEach(async () => {
    for (const child of running.splice(0)) {
      child.kill("SIGKILL");
      await child.exited;
    }
  });
  // Whatever a file's own afterAll ends may still write there when this comes before it.
  afterAll(() => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }));
  return homeIn(folder, env, running);
};

const homeIn = (folder: string, more: Readonly<Record<string, string>>, running: Child[]): Home => {
  const env: Record<string, string> = {
    PATH: "/usr/bin:/bin",
    HOME: folder,
    XDG_DATA_HOME: join(folder, "data"),
    XDG_CACHE_HOME: join(folder, "cache"),
    XDG_CONFIG_HOME: join(folder, "config"),
    ...more,
  };
  const start = (argv: readonly string[], place: Place = {}): Child => {
    const streams = { stdin: "ignore", stdout: "pipe", stderr: "pipe" } as const;
    const child = Bun.spawn([...argv], {
      cwd: place.cwd ?? folder,
      env: { ...env, ...place.env },
      ...streams,
    });
    running.push(child);
    return child;
  };
  const spawn = (cwd: string, ...words: string[]): Child => start([...loopWords, ...words], { cwd });
  return {
    folder,
    env,
    start,
    spawn,
    loop: (cwd, ...words) => ended(spawn(cwd, ...words)),
    person(name) {
      const own = join(folder, name);
      mkdirSync(own, { recursive: true });
      return homeIn(own, more, running);
    },
  };
};

/** Waits for the end of a program whose streams nobody else reads. */
export const ended = async (child: Child): Promise<Ended> => {
  const [out, said, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  return { out, said, code };
};

/** What a stream says, as it comes. */
export class Said {
  text = "";
  /** Those that are whole. */
  readonly lines: string[] = [];
  /** All of it, once there is no more to come. */
  readonly whole: Promise<string>;
  #isOver = false;

  constructor(stream: ReadableStream<Uint8Array>) {
    this.whole = this.#read(stream);
  }

  async #read(stream: ReadableStream<Uint8Array>): Promise<string> {
    const decoder = new TextDecoder();
    let rest = "";
    for await (const bytes of stream) {
      const piece = decoder.decode(bytes, { stream: true });
      this.text += piece;
      const lines = (rest + piece).split("\n");
      rest = lines.pop()!;
      this.lines.push(...lines);
    }
    this.#isOver = true;
    return this.text;
  }

  /** Waits for what comes after the first `from` characters. */
  until(wanted: RegExp, from = 0): Promise<RegExpExecArray> {
    const find = () => wanted.exec(this.text.slice(from)) ?? undefined;
    return this.#comes(wanted, find, () => this.text.slice(from));
  }

  /** Waits for a line that comes after the first `from`, and says which it is. */
  line(wanted: RegExp, from = 0): Promise<number> {
    const find = () => {
      const at = this.lines.findIndex((line, index) => index >= from && wanted.test(line));
      return at < 0 ? undefined : at;
    };
    return this.#comes(wanted, find, () => this.lines.slice(from).join("\n"));
  }

  #comes<T>(wanted: RegExp, find: () => T | undefined, seen: () => string): Promise<T> {
    const told = () => `${wanted} was looked for in ${JSON.stringify(seen().slice(-2000))}`;
    return soon(() => {
      const found = find();
      if (found === undefined && this.#isOver) throw new Error(`${told()}, after which nothing comes`);
      return found;
    }, told);
  }
}

/** Sleeps rather than a time by the clock: on a busy machine each takes longer, and what is waited for as well. */
const sleeps = { each: 10, most: 6000 } as const;

/** Asks until there is an answer. `told` is the complaint of who waited in vain. */
export const soon = async <T>(
  ask: () => T | undefined | false | Promise<T | undefined | false>,
  told: () => string = () => "It was waited for in vain",
): Promise<T> => {
  for (let count = 0; count < sleeps.most; count++) {
    const answer = await ask();
    if (answer !== undefined && answer !== false) return answer;
    await Bun.sleep(sleeps.each);
  }
  throw new Error(told());
};
