import { type ChildProcess, spawn } from "node:child_process";
import { cpSync, mkdirSync, writeFileSync } from "node:fs";
import { createConnection, createServer, type Socket } from "node:net";
import { dirname, join } from "node:path";
import type { Readable } from "node:stream";
import { inTemporaryFolder } from "../../src/base/temporary.ts";
import { openServer } from "./endpoint.ts";
import type { Exchange, Operation, Spec } from "./spec.ts";

// One program's run: its folders, the process, and the operations of its specification one after another.

export interface Outcome {
  readonly result: "passed" | "failed" | "skipped";
  readonly why: string;
}

interface Setting {
  readonly command: readonly string[];
  readonly timeoutMs: number;
  /** Where loop keeps its own state: nothing of whoever runs this. */
  readonly state: string;
}

/** What was expected and is not so; caught below and told. */
class Unmet extends Error {}

const within = async <T>(work: Promise<T>, ms: number, what: string): Promise<T> => {
  let timer: Timer | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Unmet(`${what} took longer than ${ms / 1000} s`)), ms);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
};

export const runProgram = (program: string, spec: Spec, setting: Setting): Promise<Outcome> =>
  inTemporaryFolder("loop-suite-", async (folder) => {
    const session = new Session(program, spec, setting, folder);
    try {
      for (const operation of spec.operations)
        await within(session.perform(operation), setting.timeoutMs, operation.type);
      return { result: "passed", why: "" };
    } catch (error) {
      if (!(error instanceof Unmet)) throw error;
      return { result: "failed", why: [error.message, session.excerpt()].filter(Boolean).join("; ") };
    } finally {
      session.close();
    }
  });

class Session {
  readonly #program: string;
  readonly #spec: Spec;
  readonly #setting: Setting;
  readonly #folder: string;
  readonly #sockets = new Map<string, Pipe & { socket: Socket }>();
  readonly #closing: (() => void)[] = [];
  #child: ChildProcess | undefined;
  #stdout = new Pipe();
  #stderr = new Pipe();
  #ended: Promise<number> | undefined;
  #url: string | undefined;

  constructor(program: string, spec: Spec, setting: Setting, folder: string) {
    this.#program = program;
    this.#spec = spec;
    this.#setting = setting;
    this.#folder = folder;
  }

  async perform(operation: Operation): Promise<void> {
    switch (operation.type) {
      case "run":
        return this.#run(operation);
      case "write":
        this.#child?.stdin?.write(operation.payload);
        return;
      case "read": {
        const pipe = operation.id === "stdout" ? this.#stdout : this.#stderr;
        expectText(operation.id, await pipe.take(Buffer.byteLength(operation.payload)), operation.payload);
        return;
      }
      case "wait": {
        this.#child?.stdin?.end();
        const code = await this.#ended;
        if (code !== operation.exitCode)
          throw new Unmet(`exit code ${code}, and ${operation.exitCode} is right`);
        return;
      }
      case "connect":
        return this.#connect(operation.id);
      case "send":
        this.#sockets.get(operation.id)?.socket.write(operation.payload);
        return;
      case "recv": {
        const text = await this.#sockets.get(operation.id)?.take(Buffer.byteLength(operation.payload));
        expectText(`the connection ${operation.id}`, text ?? "", operation.payload);
        return;
      }
      case "request":
        return this.#request(operation.request);
      case "kill":
        this.#child?.kill(operation.signal);
        return;
    }
  }

  async #run({ args, env, root }: Extract<Operation, { type: "run" }>): Promise<void> {
    const { serves, flags, files, scratch, proposals } = this.#spec;
    const given = [...flags];
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(dirname(join(this.#folder, path)), { recursive: true });
      writeFileSync(join(this.#folder, path), text);
    }
    if (root !== undefined) {
      // A copy: what a program leaves behind is nothing to the next, and the suite's folder stays as it is.
      cpSync(root, join(this.#folder, "root"), { recursive: true });
      given.push("--dir", "root::/");
    }
    if (scratch !== undefined) {
      mkdirSync(join(this.#folder, "scratch"));
      given.push("--dir", `scratch::${scratch}`);
    }
    const variables = { ...env, ...(await this.#servers()) };
    for (const [name, value] of Object.entries(variables)) given.push("--env", `${name}=${value}`);
    if (proposals.includes("sockets")) given.push("--allow-net=*,listen=*");
    else if (proposals.includes("http")) given.push("--allow-net=*");
    const words = serves
      ? ["serve", this.#program, "--addr", "127.0.0.1:0", ...given]
      : ["run", this.#program, ...given, "--", ...args];
    this.#spawn([...this.#setting.command, ...words]);
  }

  #spawn([program = "", ...words]: readonly string[]): void {
    const { state } = this.#setting;
    const env = { ...process.env, XDG_DATA_HOME: join(state, "data"), XDG_CACHE_HOME: join(state, "cache") };
    const child = spawn(program, words, { cwd: this.#folder, env, stdio: "pipe" });
    // A program that does not read its input closes it, and that is its right.
    child.stdin.on("error", () => {});
    this.#child = child;
    this.#stdout.listen(child.stdout);
    this.#stderr.listen(child.stderr);
    this.#ended = new Promise((resolve) => {
      child.on("error", () => resolve(127));
      child.on("close", (code, signal) => resolve(code ?? (signal ? 128 : 127)));
    });
  }

  /** Opens what the program is to reach, and says where it is. */
  async #servers(): Promise<Record<string, string>> {
    const addresses: Record<string, string> = {};
    for (const { variable, endpoints } of this.#spec.servers) {
      const server = endpoints ? openServer(endpoints) : createServer();
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
      const address = server.address();
      addresses[variable] = `127.0.0.1:${typeof address === "object" ? address?.port : 0}`;
      // Nobody listens at an address that was just given back.
      if (endpoints) this.#closing.push(() => server.close());
      else await new Promise<void>((resolve) => server.close(() => resolve()));
    }
    return addresses;
  }

  /** The program listens, and its first line says where. */
  async #connect(id: string): Promise<void> {
    const line = await this.#stdout.line();
    const [host = "", port = ""] = line.trim().split(/:(?=\d+$)/);
    if (!/^\d+$/.test(port))
      throw new Unmet(`an address was looked for on standard output, and there is "${line}"`);
    const socket = createConnection({ host, port: Number(port) });
    const pipe = Object.assign(new Pipe(), { socket });
    pipe.listen(socket);
    await new Promise<void>((resolve, reject) => {
      socket.on("connect", () => resolve());
      socket.on("error", (error) => reject(new Unmet(`no connection to ${line}: ${error.message}`)));
    });
    this.#sockets.set(id, pipe);
    this.#closing.push(() => socket.destroy());
  }

  async #request({ method, path, headers, body, response }: Exchange): Promise<void> {
    while (this.#url === undefined) {
      const line = await this.#stderr.line();
      this.#url = /http:\/\/[^\s/]+/.exec(line)?.[0];
      if (line === "") throw new Unmet("it does not say where it serves");
    }
    const answer = await fetch(`${this.#url}${path}`, {
      method,
      headers,
      ...(body && { body }),
      signal: AbortSignal.timeout(this.#setting.timeoutMs),
    }).catch((error) => {
      throw new Unmet(`${method} ${path} is not answered: ${error instanceof Error ? error.message : error}`);
    });
    if (answer.status !== response.status)
      throw new Unmet(`${method} ${path} has status ${answer.status}, and ${response.status} is right`);
    for (const [name, value] of Object.entries(response.headers))
      expectText(`${method} ${path}, header ${name}`, answer.headers.get(name) ?? "", value);
    expectText(`${method} ${path}, body`, await answer.text(), response.body);
  }

  /** What the program last complained of, in one line. */
  excerpt(): string {
    const lines = this.#stderr
      .text()
      .split("\n")
      .map((line) => line.trim());
    const panic = lines.findIndex((line) => line.includes("panicked at"));
    if (panic >= 0)
      return lines
        .slice(panic, panic + 4)
        .filter((line) => line && !line.startsWith("note:"))
        .join(" | ");
    const error = lines.find((line) => line.startsWith("error"));
    return error ?? lines.filter(Boolean).at(-1) ?? "";
  }

  close(): void {
    this.#child?.kill("SIGKILL");
    for (const close of this.#closing) close();
  }
}

const expectText = (what: string, actual: string, expected: string): void => {
  if (actual !== expected)
    throw new Unmet(`${what}: ${JSON.stringify(actual)}, and ${JSON.stringify(expected)} is right`);
};

/** What a stream has brought so far; it can be taken in order, waiting for more. */
class Pipe {
  #held = Buffer.alloc(0);
  #all = "";
  #ended = false;
  #wake = () => {};

  listen(stream: Readable): void {
    stream.on("data", (bytes: Buffer) => {
      this.#held = Buffer.concat([this.#held, bytes]);
      this.#all += bytes.toString();
      this.#wake();
    });
    for (const event of ["end", "close", "error"])
      stream.on(event, () => {
        this.#ended = true;
        this.#wake();
      });
  }

  text(): string {
    return this.#all;
  }

  async take(count: number): Promise<string> {
    while (this.#held.length < count && !this.#ended) await this.#more();
    return this.#cut(count);
  }

  /** With its end; "" at the stream's end. */
  async line(): Promise<string> {
    while (!this.#held.includes(10) && !this.#ended) await this.#more();
    const end = this.#held.indexOf(10);
    return this.#cut(end < 0 ? this.#held.length : end + 1);
  }

  #cut(count: number): string {
    const text = this.#held.subarray(0, count).toString();
    this.#held = this.#held.subarray(count);
    return text;
  }

  #more(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }
}
